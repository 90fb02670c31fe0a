package tensor

// The AVX-512 kernels take rows of whole groups of 16 columns; anything else
// goes the portable way.

//go:noescape
func rmsNorm512(y, r, x *float32, rows, d int, eps float32)

//go:noescape
func rmsNormBackward512(dx, dy, y, r *float32, rows, d, acc int)

//go:noescape
func gain512(y, x, gain *float32, rows, d int)

//go:noescape
func gainBackward512(dx, dg, dy, x, gain *float32, rows, d int)

//go:noescape
func swiGLU512(a, gu *float32, rows, f int)

//go:noescape
func swiGLUBackward512(dgu, da, gu *float32, rows, f int)

//go:noescape
func max512(x *float32, n int) float32

//go:noescape
func expSum512(dst, x *float32, n int, top float32) float32

//go:noescape
func add512(dst, x *float32, n int)

//go:noescape
func axpy512(dst, x *float32, n int, a float32)

//go:noescape
func scale512(x *float32, n int, a float32)

//go:noescape
func sumSquares512(x *float32, n int) float32

//go:noescape
func momentum512(u, m, grad *float32, n int, mu, rest float32)

//go:noescape
func adamW512(w, grad, m, v *float32, n int, h *adamStep)

// whole tells whether the kernels can take this many rows of d columns.
func whole(rows, d int) bool { return rows > 0 && d > 0 && d%16 == 0 }

// layers512 gives b the operations that are not products.
func layers512(b *backend) {
	b.normRope, b.normRopeBackward = normRopeRows512, normRopeBackwardRows512
	flat512(b)
	b.rmsNorm = func(y, r, x []float32, rows, d int, eps float32) {
		if !whole(rows, d) {
			portableRMSNorm(y, r, x, rows, d, eps)
			return
		}
		rmsNorm512(&y[0], &r[0], &x[0], rows, d, eps)
	}
	b.rmsNormBackward = func(dx, dy, y, r []float32, rows, d int, acc bool) {
		if !whole(rows, d) {
			portableRMSNormBackward(dx, dy, y, r, rows, d, acc)
			return
		}
		more := 0
		if acc {
			more = 1
		}
		rmsNormBackward512(&dx[0], &dy[0], &y[0], &r[0], rows, d, more)
	}
	b.gain = func(y, x, g []float32, rows, d int) {
		if !whole(rows, d) {
			portableGain(y, x, g, rows, d)
			return
		}
		gain512(&y[0], &x[0], &g[0], rows, d)
	}
	b.gainBackward = func(dx, dg, dy, x, g []float32, rows, d int) {
		if !whole(rows, d) {
			portableGainBackward(dx, dg, dy, x, g, rows, d)
			return
		}
		gainBackward512(&dx[0], &dg[0], &dy[0], &x[0], &g[0], rows, d)
	}
	b.swiGLU = func(a, gu []float32, rows, f int) {
		if !whole(rows, f) {
			portableSwiGLU(a, gu, rows, f)
			return
		}
		swiGLU512(&a[0], &gu[0], rows, f)
	}
	b.swiGLUBackward = func(dgu, da, gu []float32, rows, f int) {
		if !whole(rows, f) {
			portableSwiGLUBackward(dgu, da, gu, rows, f)
			return
		}
		swiGLUBackward512(&dgu[0], &da[0], &gu[0], rows, f)
	}
	b.maxOf = func(x []float32) float32 {
		if !whole(1, len(x)) {
			return portableMax(x)
		}
		return max512(&x[0], len(x))
	}
	b.expSum = func(dst, x []float32, top float32) float32 {
		if !whole(1, len(x)) {
			return portableExpSum(dst, x, top)
		}
		var d *float32
		if dst != nil {
			d = &dst[0]
		}
		return expSum512(d, &x[0], len(x), top)
	}
}

// flat512 gives b the operations on flat slices; what is left over after whole
// groups goes the portable way.
func flat512(b *backend) {
	b.add = func(dst, x []float32) {
		n := len(dst) &^ 15
		if n > 0 {
			add512(&dst[0], &x[0], n)
		}
		portableAdd(dst[n:], x[n:])
	}
	b.axpy = func(dst []float32, a float32, x []float32) {
		n := len(dst) &^ 15
		if n > 0 {
			axpy512(&dst[0], &x[0], n, a)
		}
		portableAxpy(dst[n:], a, x[n:])
	}
	b.scale = func(x []float32, a float32) {
		n := len(x) &^ 15
		if n > 0 {
			scale512(&x[0], n, a)
		}
		portableScale(x[n:], a)
	}
	b.sumSquares = func(x []float32) float64 {
		const part = 4096 // float32 sums of this many are summed in float64
		n, sum := len(x)&^15, 0.0
		for i := 0; i < n; i += part {
			sum += float64(sumSquares512(&x[i], min(part, n-i)))
		}
		return sum + portableSumSquares(x[n:])
	}
	b.momentum = func(u, m, g []float32, mu float32) {
		n := len(u) &^ 15
		if n > 0 {
			momentum512(&u[0], &m[0], &g[0], n, mu, 1-mu)
		}
		portableMomentum(u[n:], m[n:], g[n:], mu)
	}
	b.adamW = func(w, g, m, v []float32, h adamStep) {
		n := len(w) &^ 15
		if n > 0 {
			adamW512(&w[0], &g[0], &m[0], &v[0], n, &h)
		}
		portableAdamW(w[n:], g[n:], m[n:], v[n:], h)
	}
}
