package learn

import "math"

// reference is the learner's model written plainly in float64, over the
// learner's masters.
type reference struct {
	l *Learner
	w map[*float32][]float64 // by the first element of the masters
}

func newReference(l *Learner) *reference {
	r := &reference{l: l, w: map[*float32][]float64{}}
	add := func(x []float32) {
		y := make([]float64, len(x))
		for i, v := range x {
			y[i] = float64(v)
		}
		r.w[&x[0]] = y
	}
	for _, m := range l.matrices() {
		add(m.w)
	}
	for i := range l.layers {
		add(l.layers[i].qNorm.w)
		add(l.layers[i].kNorm.w)
	}
	add(l.input.w)
	add(l.output.w)
	add(l.outputNorm)
	return r
}

func (r *reference) of(x []float32) []float64 { return r.w[&x[0]] }

// slope is the derivative of nats along u in the weights w.
func (r *reference) slope(w []float32, u []float64, seqs []Sequence) float64 {
	x := r.of(w)
	at := func(e float64) float64 {
		for i := range x {
			x[i] += e * u[i]
		}
		defer func() {
			for i := range x {
				x[i] -= e * u[i]
			}
		}()
		return r.nats(seqs)
	}
	const eps = 1e-4
	return (at(eps) - at(-eps)) / (2 * eps)
}

// nats is the mean code length of all targets.
func (r *reference) nats(seqs []Sequence) float64 {
	var sum float64
	n := 0
	for _, s := range seqs {
		h := r.states(s.Tokens)
		for t, y := range s.Targets {
			if y < 0 {
				continue
			}
			p := product64(r.of(r.l.output.w), h[t*r.l.c.Dim:][:r.l.c.Dim])
			softmax64(p)
			sum -= math.Log(p[y])
			n++
		}
	}
	return sum / float64(n)
}

// states are the final states, (len(tokens), Dim), after the output norm.
func (r *reference) states(tokens []int32) []float64 {
	c := r.l.c
	n, hd := len(tokens), c.HeadDim
	x := make([][]float64, n)
	for t, id := range tokens {
		x[t] = append([]float64(nil), r.of(r.l.input.w)[int(id)*c.Dim:][:c.Dim]...)
	}
	for i := range r.l.layers {
		a := &r.l.layers[i]
		qkv := make([][]float64, n)
		for t := range n {
			qkv[t] = product64(r.of(a.qkv.w), norm64(x[t], nil, c.Eps))
			for h := range c.Heads + c.KVHeads {
				gain := a.qNorm.w
				if h >= c.Heads {
					gain = a.kNorm.w
				}
				copy(qkv[t][h*hd:], rotate64(norm64(qkv[t][h*hd:][:hd], r.of(gain), c.Eps), t, c.RopeBase))
			}
		}
		for t := range n {
			out := make([]float64, c.Heads*hd)
			for h := range c.Heads {
				g := h / (c.Heads / c.KVHeads)
				p := make([]float64, t+1)
				for j := range p {
					p[j] = product64(qkv[j][(c.Heads+g)*hd:][:hd], qkv[t][h*hd:][:hd])[0] / math.Sqrt(float64(hd))
				}
				softmax64(p)
				for j, v := range p {
					for k := range hd {
						out[h*hd+k] += v * qkv[j][(c.Heads+c.KVHeads+g)*hd+k]
					}
				}
			}
			add64(x[t], product64(r.of(a.out.w), out))
			y := product64(r.of(a.gateUp.w), norm64(x[t], nil, c.Eps))
			act := y[:c.FFN]
			for k, g := range act {
				act[k] = g / (1 + math.Exp(-g)) * y[c.FFN+k]
			}
			add64(x[t], product64(r.of(a.down.w), act))
		}
	}
	var h []float64
	for t := range n {
		h = append(h, norm64(x[t], r.of(r.l.outputNorm), c.Eps)...)
	}
	return h
}

// product64 is w, rows as long as x, times x.
func product64(w, x []float64) []float64 {
	y := make([]float64, len(w)/len(x))
	for r := range y {
		for i, v := range x {
			y[r] += w[r*len(x)+i] * v
		}
	}
	return y
}

func norm64(x, gain []float64, eps float32) []float64 {
	var ss float64
	for _, v := range x {
		ss += v * v
	}
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = v / math.Sqrt(ss/float64(len(x))+float64(eps))
		if gain != nil {
			y[i] *= gain[i]
		}
	}
	return y
}

func rotate64(x []float64, pos int, base float64) []float64 {
	h := len(x) / 2
	for j := range h {
		s, c := math.Sincos(float64(pos) * math.Pow(base, -float64(j)/float64(h)))
		x[j], x[j+h] = x[j]*c-x[j+h]*s, x[j+h]*c+x[j]*s
	}
	return x
}

func softmax64(x []float64) {
	var sum float64
	for i := range x {
		x[i] = math.Exp(x[i])
		sum += x[i]
	}
	for i := range x {
		x[i] /= sum
	}
}

func add64(x, y []float64) {
	for i, v := range y {
		x[i] += v
	}
}
