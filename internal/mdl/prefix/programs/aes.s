; AES-128 in counter mode (FIPS 197, SP 800-38A): key 000102...0f, counter from 0.
; memory: 0 S-box, 0x100 round keys, 0x200 state, 0x300 state between two layers.
left = r0
ff = r1		; mask of a byte
poly = r2	; 0x11b, the polynomial of the field
p = r3
q = r4
t = r5
s = r6
i = r7
a = r8
c63 = r9
count = r10
f15 = r11
k = r12		; address of a round key byte
one = r13	; always 1, to jump
base = r14	; 0x200
u = r15

	set left %d
	ext left %d
	ext left %d
	set ff 0xff
	set poly 1
	ext poly 0x1b
	set c63 0x63
	set f15 15
	set one 1
	set base 2
	ext base 0

; The S-box: p runs through the powers of 3, q through those of its inverse.
	set p 1
	set q 1
sbox:
	mov t p
	shl t 1
	xor p t
	mov t p
	shr t 8
	mul t poly
	xor p t
	mov t q
	shl t 1
	xor q t
	mov t q
	shl t 2
	xor q t
	mov t q
	shl t 4
	xor q t
	and q ff
	mov t q
	shr t 7
	set s 9
	mul t s
	xor q t
; s = q and its rotations by 1 to 4, and 0x63
	mov t q
	shl t 8
	or t q
	mov s q
	xor s c63
	shr t 4
	xor s t
	shr t 1
	xor s t
	shr t 1
	xor s t
	shr t 1
	xor s t
	st s p
	mov t p
	adi t -1
	jnz t sbox
	set p 0
	st c63 p

; Round keys. i counts bytes, k is the address of byte i, u the round constant.
	set i 0
	set k 1
	ext k 0
key:
	st i k
	adi k 1
	adi i 1
	mov t i
	shr t 4
	adi t -1
	jnz t key
	set u 1
expand:
	mov t k
	adi t -4	; the byte a word before
	mov a i
	and a f15
	mov s a
	shr s 2
	jnz s plain
	adi t 1		; in the first word of a key: of the next byte of that word
	mov s a
	adi s -3
	jnz s inside
	adi t -4
inside:
	ld t t
	ld t t		; through the S-box
	jnz a join
	xor t u		; and in its first byte with the round constant
	shl u 1
	mov s u
	shr s 8
	mul s poly
	xor u s
	jnz one join
plain:
	ld t t
join:
	mov s k
	adi s -16
	ld s s
	xor t s
	st t k
	adi k 1
	adi i 1
	mov t i
	set s 176
	xor t s
	jnz t expand

block:
; The state: the counter, highest byte first, with the first round key.
	set i 0
	set k 1
	ext k 0
	mov q base
load:
	set t 0
	mov s i
	shr s 2
	adi s -3
	jnz s high
	mov t i
	xor t f15	; 15-i, 3 to 0
	shl t 3
	mov s count
	jnz t shift
shifted:
	mov t s
	and t ff
high:
	ld s k
	xor t s
	st t q
	adi q 1
	adi k 1
	adi i 1
	mov t i
	shr t 4
	adi t -1
	jnz t load
	jnz one rounds
shift:
	shr s 8
	adi t -8
	jnz t shift
	jnz one shifted

; A round: S-box and rows to 0x300, then columns and key back to 0x200.
rounds:
	set p 10
round:
	set i 0
rows:
	mov t i
	shl t 2
	add t i
	and t f15	; byte 5i modulo 16
	add t base
	ld t t
	ld t t
	mov s base
	add s i
	adi s 127
	adi s 127
	adi s 2
	st t s
	adi i 1
	mov t i
	shr t 4
	adi t -1
	jnz t rows

	set i 0
columns:
	set a 3
	ext a 0
	add a i
	ld q a		; the byte
	mov t p
	adi t -1
	jnz t mix
	jnz one add	; the last round does not mix columns
mix:
	set s 3
	mov t i
	and t s
	mov u i
	xor u t		; the column
	adi t 1
	and t s
	add t u
	set s 3
	ext s 0
	add u s
	add t s
	ld t t		; the byte below
	xor t q
	shl t 1
	mov s t
	shr s 8
	mul s poly
	xor t s		; twice their sum
	xor q t
	ld t u
	xor q t		; and all four bytes
	adi u 1
	ld t u
	xor q t
	adi u 1
	ld t u
	xor q t
	adi u 1
	ld t u
	xor q t
add:
	ld t k
	xor q t
	mov t base
	add t i
	st q t
	adi k 1
	adi i 1
	mov t i
	shr t 4
	adi t -1
	jnz t columns
	adi p -1
	jnz p round

	set i 0
write:
	mov t base
	add t i
	ld t t
	out t
	adi i 1
	mov t i
	shr t 4
	adi t -1
	jnz t write
	adi count 1
	adi left -1
	jnz left again
	end
again:
	jnz one block
