package mix

// Apart, as the last field of a struct that is written at every decision, keeps
// what lies behind it in memory off its cache lines. What two goroutines write
// side by side costs each of them several times as much.
type Apart [128]byte

// apart returns n elements that share no cache line with other memory.
func apart[T any](n int) []T {
	const pad = 128 // elements, so at least as many bytes
	return make([]T, n+2*pad)[pad : pad+n : pad+n]
}
