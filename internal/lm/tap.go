package lm

// Point names a place in the forward pass; the package documentation shows where.
type Point int

// The points, with the width of their rows.
const (
	Embedding    Point = iota // Dim
	AttnInput                 // Dim
	Heads                     // Heads*HeadDim, head after head
	AttnOutput                // Dim
	Middle                    // Dim
	FFNInput                  // Dim
	Gate                      // FFN; only with a gate
	Up                        // FFN
	Coefficients              // FFN
	FFNOutput                 // Dim
	Residual                  // Dim; of the last layer: the input of the final norm
	Final                     // Dim; the rows that Feed returns
)

// Site is where a Tap was called.
type Site struct {
	Point     Point
	Layer     int   // -1 at Embedding and Final
	Expert    int   // at Gate, Up and Coefficients of a model with experts; else -1
	Positions []int // of the rows; valid during the call
	Width     int   // of a row
}

// A Tap is called at every point of the forward pass with the rows (len(Positions),
// Width) that are there. It may read them, and may change them in place: what
// follows uses the changed rows. A tap that changes nothing changes no bit of the
// result. The tokens of one Feed may come in several batches, in order; a Tap must
// not depend on how many. With experts, Gate, Up and Coefficients are called for
// each expert that any row uses, with the rows that use it.
//
// Rows are not kept: copy what is needed. Calls come one at a time.
type Tap func(site Site, rows []float32)
