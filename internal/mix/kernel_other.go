//go:build !amd64 || purego

package mix

func dots(out, x, weight, offset []int32)   { dotsGeneric(out, x, weight, offset) }
func train(step, x, weight, offset []int32) { trainGeneric(step, x, weight, offset) }
