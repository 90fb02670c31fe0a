package kernel

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
)

// Environment names the variable that forces a variant at start.
const Environment = "KOLM_KERNEL"

// A variant is one implementation of the primitives. All variants give the
// same bits; the exported functions check lengths and compose them. Slices are
// never empty unless a comment says so, and dst may be the same slice as x.
type variant struct {
	name string

	matF32   func(dst, x, w []float32, m, rows, cols int)
	matI8    func(dst []float32, x []uint8, xs []float32, w *I8, m int)
	dotI8    func(dst []int32, x []uint8, w []int8, m, n, k int)
	maxAbs   func(x []float32) float32
	quantize func(q []uint8, x []float32, inv float32, zero uint8) // low byte of RNE(x*inv) + zero
	dequant  func(dst []float32, acc, bias []int32, a float32, scale []float32)
	sumSq    func(x []float32) float32 // 16-lane order, FMA
	scale    func(dst, x []float32, r float32)
	mul      func(dst, x []float32)
	max      func(x []float32) float32
	expSum   func(dst, x []float32, m float32) float32 // dst = exp(x-m); 16-lane sum
	siluMul  func(dst, gate, up []float32)
	rope     func(x, cos, sin []float32)
	add      func(dst, x []float32)
	axpy     func(dst []float32, a float32, x []float32)
	weights  func(w []uint32, e []float32, k float32) uint32 // w and e may be one memory
	prefix   func(cum, w []uint32)                           // w may be empty
	scatter  func(panel, q []int8) (sum int32)               // q[4*i:4*i+4] to panel[64*i:]; may be empty

	adam      func(w, m, v, g []float32, a *Adam)
	attention func(q []uint8, x, w []float32) float32 // Attention; nil: composed of others
}

// registry holds what this CPU runs, best first.
var registry = append(variants(), portable())

var active atomic.Pointer[variant]

func init() {
	if Use("") != nil {
		active.Store(registry[0])
	}
}

// Variants returns the names of the variants that this CPU runs, best first.
// The last one is always "portable".
func Variants() []string {
	names := make([]string, len(registry))
	for i, v := range registry {
		names[i] = v.name
	}
	return names
}

// Use makes one variant the active one, for all goroutines. The empty name
// stands for what the environment variable KOLM_KERNEL names or, where that is
// not set, for the best. An unknown name or one that this CPU does not run is
// an error and changes nothing. At start the package calls Use("") itself and,
// should that fail, takes the best: a program that wants to report a wrong
// KOLM_KERNEL calls Use("") again.
func Use(name string) error {
	if name == "" {
		name = os.Getenv(Environment)
	}
	if name == "" {
		name = registry[0].name
	}
	for _, v := range registry {
		if v.name == name {
			active.Store(v)
			return nil
		}
	}
	return fmt.Errorf("kernel: variant %q is unknown or not for this CPU; have %s", name, strings.Join(Variants(), ", "))
}

// Active returns the name of the variant in use.
func Active() string { return active.Load().name }
