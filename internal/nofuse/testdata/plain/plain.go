// Package plain has nothing that nofuse may find.
package plain

import "math"

func Plain(x, y, z float32) float32 {
	return float32(x*y) + float32(math.Sqrt(float64(z)))
}
