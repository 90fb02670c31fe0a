package tensor

import "math"

// RMSNorm computes y = x * r, row by row, with r[i] = 1/sqrt(mean(x^2) + eps):
// x and y (rows, d), r (rows). y may be x.
func RMSNorm(y, r, x []float32, rows, d int, eps float32) {
	need("y", len(y), rows*d)
	need("x", len(x), rows*d)
	need("r", len(r), rows)
	active.rmsNorm(y, r, x, rows, d, eps)
}

// RMSNormBackward computes dx = r (dy - y mean(dy*y)), or adds that to dx if
// acc, from RMSNorm's y (rows, d) and r (rows). dx may be dy if not acc.
func RMSNormBackward(dx, dy, y, r []float32, rows, d int, acc bool) {
	need("dx", len(dx), rows*d)
	need("dy", len(dy), rows*d)
	need("y", len(y), rows*d)
	need("r", len(r), rows)
	active.rmsNormBackward(dx, dy, y, r, rows, d, acc)
}

// Gain computes y = x * g with one factor a column: x, y (rows, d), g (d).
// y may be x.
func Gain(y, x, g []float32, rows, d int) {
	need("y", len(y), rows*d)
	need("x", len(x), rows*d)
	need("g", len(g), d)
	active.gain(y, x, g, rows, d)
}

// GainBackward computes dx = dy * g and dg += sum over rows of dy * x:
// dx, dy, x (rows, d), dg, g (d). dx may be dy.
func GainBackward(dx, dg, dy, x, g []float32, rows, d int) {
	need("dx", len(dx), rows*d)
	need("dy", len(dy), rows*d)
	need("x", len(x), rows*d)
	need("dg", len(dg), d)
	need("g", len(g), d)
	active.gainBackward(dx, dg, dy, x, g, rows, d)
}

// SwiGLU computes a = silu(gate) * up: gu (rows, 2f) with gate in the first f
// columns and up in the last, a (rows, f). Shazeer, "GLU Variants Improve
// Transformer", 2020.
func SwiGLU(a, gu []float32, rows, f int) {
	need("a", len(a), rows*f)
	need("gu", len(gu), 2*rows*f)
	active.swiGLU(a, gu, rows, f)
}

// SwiGLUBackward computes dgu (rows, 2f) from da (rows, f) and gu (rows, 2f).
// dgu may be gu.
func SwiGLUBackward(dgu, da, gu []float32, rows, f int) {
	need("dgu", len(dgu), 2*rows*f)
	need("da", len(da), rows*f)
	need("gu", len(gu), 2*rows*f)
	active.swiGLUBackward(dgu, da, gu, rows, f)
}

// CrossEntropy computes, for each row of logits (rows, v), nll[i] =
// log(sum(exp(l))) - l[target[i]] in nats and dlogits = (softmax(l) -
// onehot(target[i])) * scale. A negative target makes nll[i] and the row of
// dlogits zero. dlogits may be logits, or nil if only nll is wanted.
func CrossEntropy(dlogits, nll, logits []float32, target []int32, rows, v int, scale float32) {
	if dlogits != nil {
		need("dlogits", len(dlogits), rows*v)
	}
	need("logits", len(logits), rows*v)
	need("nll", len(nll), rows)
	need("target", len(target), rows)
	for i := range rows {
		l, t := logits[i*v:][:v], target[i]
		var d []float32
		if dlogits != nil {
			d = dlogits[i*v:][:v]
		}
		if t < 0 {
			nll[i] = 0
			clear(d)
			continue
		}
		top, at := active.maxOf(l), l[t]
		sum := active.expSum(d, l, top)
		nll[i] = float32(math.Log(float64(sum)) - float64(at-top))
		if d != nil {
			active.scale(d, scale/sum)
			d[t] -= scale
		}
	}
}
