package mix

// The two inner loops of a Mixer. They are integers, so every variant gives
// the same weights and sums; a test compares them.
//
// dots sets out[s] = sum_i ((w_i >> 6) * x_i) >> 8 over the vector of len(x)
// weights at offset[s], in 1/65536 nat. No product or sum leaves 32 bits.
//
// train adds (x_i*step[s] + 256) >> 9 to the weights of each vector, and keeps
// them within the limits.

func dotsGeneric(out, x, weight, offset []int32) {
	for s, o := range offset {
		w := weight[o:][:len(x)]
		sum := int32(0)
		for i, v := range x {
			sum += (w[i] >> 6) * v >> 8
		}
		out[s] = sum
	}
}

func trainGeneric(step, x, weight, offset []int32) {
	for s, o := range offset {
		w := weight[o:][:len(x)]
		e := step[s]
		for i, v := range x {
			w[i] = min(max(w[i]+(v*e+256)>>9, -weightLimit), weightLimit)
		}
	}
}
