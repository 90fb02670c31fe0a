; Marsaglia's xorshift generator of 32 bits, shifts 13, 17, 5, seed 1.
left = r0
x = r1
t = r2
	set left %d
	ext left %d
	ext left %d
	set x 1
next:
	mov t x
	shl t 13
	xor x t
	mov t x
	shr t 17
	xor x t
	mov t x
	shl t 5
	xor x t
	mov t x
	out t
	shr t 8
	out t
	shr t 8
	out t
	shr t 8
	out t
	adi left -1
	jnz left next
	end
