// Package tensor is the arithmetic of training: matrix products, norms,
// attention, loss and optimiser steps over float32 slices, as fast as the CPU
// allows.
//
// Results differ in the last bits between backends and CPUs (inside, products
// may run in bfloat16 with float32 sums), so nothing that decides coded bits may
// import it. It knows shapes and slices only: no model, no files, no tokens.
//
// All matrices are row-major and dense unless a leading dimension is given.
// Slices must be at least as long as their shape; more is ignored. A call with
// impossible shapes panics. Two goroutines may call anything at once if each
// brings its own Scratch and they do not write the same slices. After a warm-up
// call with the same shapes nothing allocates.
package tensor

import (
	"fmt"
	"os"
	"strings"
)

// backend is one implementation of every operation; shapes are checked by the
// public functions before they call it.
type backend struct {
	name    string
	present func() bool

	pack func(s *Scratch, w *Weight)
	nt   func(s *Scratch, y, x []float32, w *Weight, m int, acc bool)
	nn   func(s *Scratch, dx, dy []float32, w *Weight, m int, acc bool)
	gemm func(s *Scratch, g product)

	rmsNorm         func(y, r, x []float32, rows, d int, eps float32)
	rmsNormBackward func(dx, dy, y, r []float32, rows, d int, acc bool)
	gain            func(y, x, g []float32, rows, d int)
	gainBackward    func(dx, dg, dy, x, g []float32, rows, d int)
	swiGLU          func(a, gu []float32, rows, f int)
	swiGLUBackward  func(dgu, da, gu []float32, rows, f int)
	maxOf           func(x []float32) float32
	expSum          func(dst, x []float32, top float32) float32 // dst = exp(x - top), nil: the sum only

	normRope         func(a *Attn, h headRows)
	normRopeBackward func(a *Attn, h headRows)
	attnForward      func(a *Attn, s *Scratch, o []float32, p *Probs, qk, qkv []float32, seqs int)
	attnBackward     func(a *Attn, s *Scratch, dqkv, do, qk, qkv []float32, p *Probs, seqs int)

	add        func(dst, x []float32)
	axpy       func(dst []float32, a float32, x []float32)
	scale      func(x []float32, a float32)
	sumSquares func(x []float32) float64
	momentum   func(u, m, g []float32, mu float32)
	adamW      func(w, g, m, v []float32, h adamStep)
}

var (
	backends = []*backend{&portable} // best first
	active   = &portable
)

func init() {
	active = present()[0]
	if name := os.Getenv("KOLM_TENSOR"); name != "" {
		if err := Use(name); err != nil {
			fmt.Fprintln(os.Stderr, "kolm:", err)
		}
	}
}

func present() []*backend {
	var list []*backend
	for _, b := range backends {
		if b.present() {
			list = append(list, b)
		}
	}
	return list
}

// Backend names the backend in use.
func Backend() string { return active.name }

// Backends lists what this CPU can run, fastest first; the last is "portable".
func Backends() []string {
	var names []string
	for _, b := range present() {
		names = append(names, b.name)
	}
	return names
}

// Use selects a backend by name. It must not run while another goroutine
// computes; weights must be packed again after it. The environment variable
// KOLM_TENSOR does the same at start.
func Use(name string) error {
	for _, b := range present() {
		if b.name == name {
			active = b
			return nil
		}
	}
	return fmt.Errorf("tensor: no backend %q on this CPU, choose one of %s", name, strings.Join(Backends(), ", "))
}

// Scratch owns the buffers that operations need while they run. Each goroutine
// that computes has its own.
type Scratch struct {
	a, b, heads    []uint16  // bfloat16 operands of products and of attention
	fa, fb, fheads []float32 // float32 operands
	tile, scores   []float32
}

// NewScratch returns an empty Scratch; its buffers grow on use.
func NewScratch() *Scratch { return &Scratch{} }

func need(what string, have, want int) {
	if have < want {
		panic(fmt.Sprintf("tensor: %s holds %d values, its shape needs %d", what, have, want))
	}
}
