package tensor

import "math"

// portable computes everything in plain float32: slow, and the reference that
// the other backends and their gradients are tested against.
var portable = backend{
	name:    "portable",
	present: func() bool { return true },

	pack: func(*Scratch, *Weight) {},
	nt: func(_ *Scratch, y, x []float32, w *Weight, m int, acc bool) {
		portableGemm(nil, product{c: y, a: x, b: w.W, ldc: w.Rows, lda: w.Cols, ldb: w.Cols, transB: true, m: m, n: w.Rows, k: w.Cols, acc: acc})
	},
	nn: func(_ *Scratch, dx, dy []float32, w *Weight, m int, acc bool) {
		portableGemm(nil, product{c: dx, a: dy, b: w.W, ldc: w.Cols, lda: w.Rows, ldb: w.Cols, m: m, n: w.Cols, k: w.Rows, acc: acc})
	},
	gemm: portableGemm,

	rmsNorm: portableRMSNorm, rmsNormBackward: portableRMSNormBackward,
	gain: portableGain, gainBackward: portableGainBackward,
	swiGLU: portableSwiGLU, swiGLUBackward: portableSwiGLUBackward,
	maxOf: portableMax, expSum: portableExpSum,

	normRope: portableNormRope, normRopeBackward: portableNormRopeBackward,
	attnForward: portableAttnForward, attnBackward: portableAttnBackward,

	add: portableAdd, axpy: portableAxpy, scale: portableScale, sumSquares: portableSumSquares,
	momentum: portableMomentum, adamW: portableAdamW,
}

// portableGemm walks b along its rows, so the inner loop is an axpy or a dot
// product over memory in order.
func portableGemm(_ *Scratch, g product) {
	for i := range g.m {
		c := g.c[i*g.ldc:][:g.n]
		if !g.acc {
			clear(c)
		}
		if g.transB {
			for j := range c {
				c[j] += g.rowDot(i, g.b[j*g.ldb:][:g.k])
			}
			continue
		}
		for l := range g.k {
			portableAxpy(c, g.at(i, l), g.b[l*g.ldb:])
		}
	}
}

// rowDot is the product of row i of op(A) and b.
func (g *product) rowDot(i int, b []float32) float32 {
	var sum float32
	for l, v := range b {
		sum += g.at(i, l) * v
	}
	return sum
}

// at is element (i, l) of op(A).
func (g *product) at(i, l int) float32 {
	if g.transA {
		return g.a[l*g.lda+i]
	}
	return g.a[i*g.lda+l]
}

func dot(x, y []float32) float32 {
	var sum float32
	for i, v := range x {
		sum += v * y[i]
	}
	return sum
}

func sqrt(x float32) float32 { return float32(math.Sqrt(float64(x))) }

func exp(x float32) float32 { return float32(math.Exp(float64(x))) }

func portableRMSNorm(y, r, x []float32, rows, d int, eps float32) {
	for i := range rows {
		x, y := x[i*d:][:d], y[i*d:]
		r[i] = 1 / sqrt(dot(x, x)/float32(d)+eps)
		for j, v := range x {
			y[j] = v * r[i]
		}
	}
}

func portableRMSNormBackward(dx, dy, y, r []float32, rows, d int, acc bool) {
	for i := range rows {
		dx, dy, y := dx[i*d:][:d], dy[i*d:][:d], y[i*d:][:d]
		mean := dot(dy, y) / float32(d)
		for j := range dx {
			v := r[i] * (dy[j] - mean*y[j])
			if acc {
				v += dx[j]
			}
			dx[j] = v
		}
	}
}

func portableGain(y, x, g []float32, rows, d int) {
	for i := range rows {
		for j, v := range x[i*d:][:d] {
			y[i*d+j] = v * g[j]
		}
	}
}

func portableGainBackward(dx, dg, dy, x, g []float32, rows, d int) {
	for i := range rows {
		for j, v := range dy[i*d:][:d] {
			dg[j] += v * x[i*d+j]
			dx[i*d+j] = v * g[j]
		}
	}
}

func portableSwiGLU(a, gu []float32, rows, f int) {
	for i := range rows {
		gate, up := gu[2*i*f:][:f], gu[2*i*f+f:][:f]
		for j, g := range gate {
			a[i*f+j] = g / (1 + exp(-g)) * up[j]
		}
	}
}

func portableSwiGLUBackward(dgu, da, gu []float32, rows, f int) {
	for i := range rows {
		at := 2 * i * f
		for j, d := range da[i*f:][:f] {
			g, u := gu[at+j], gu[at+f+j]
			sig := 1 / (1 + exp(-g))
			silu := g * sig
			dgu[at+j] = d * u * (sig + silu*(1-sig))
			dgu[at+f+j] = d * silu
		}
	}
}

func portableMax(x []float32) float32 {
	top := x[0]
	for _, v := range x {
		top = max(top, v)
	}
	return top
}

func portableExpSum(dst, x []float32, top float32) float32 {
	var sum float64
	for i, v := range x {
		e := math.Exp(float64(v - top))
		sum += e
		if dst != nil {
			dst[i] = float32(e)
		}
	}
	return float32(sum)
}

func portableAdd(dst, x []float32) {
	for i := range dst {
		dst[i] += x[i]
	}
}

func portableAxpy(dst []float32, a float32, x []float32) {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] += a * x[i]
	}
}

func portableScale(x []float32, a float32) {
	for i := range x {
		x[i] *= a
	}
}

func portableSumSquares(x []float32) float64 {
	var sum float64
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return sum
}

func portableMomentum(u, m, g []float32, mu float32) {
	for i := range u {
		step := (1 - mu) * g[i]
		m[i] = mu*m[i] + step
		u[i] = mu*m[i] + step
	}
}

func portableAdamW(w, g, m, v []float32, h adamStep) {
	for i := range w {
		m[i] = h.beta1*m[i] + h.rest1*g[i]
		v[i] = h.beta2*v[i] + h.rest2*g[i]*g[i]
		w[i] = h.keep*w[i] - h.rate*m[i]/(sqrt(v[i])*h.root+h.eps)
	}
}
