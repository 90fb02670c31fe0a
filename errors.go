package kolm

import (
	"errors"

	"kolm/internal/container"
)

// Error says what is wrong with a packed file, and where. It wraps one of the
// errors below. Errors of the reader or writer underneath come through as they are.
type Error = container.Error

// Errors about a packed file; see [errors.Is].
var (
	ErrMagic     = container.ErrMagic     // it is no kolm file
	ErrVersion   = container.ErrVersion   // typically packed by a newer kolm
	ErrModel     = container.ErrModel     // the model that packed it is not at hand
	ErrHeader    = container.ErrHeader    // damaged, outside the payloads
	ErrBlock     = container.ErrBlock     // a payload is damaged
	ErrTruncated = container.ErrTruncated // typically a transfer was cut off
	ErrTrailing  = container.ErrTrailing  // something was appended
	ErrLimit     = container.ErrLimit     // above [WithMaxBlock] or a limit of the format
)

// Errors of this package that are not about a packed file.
var (
	// ErrOption: an option's value is out of range.
	ErrOption = errors.New("kolm: bad option")
	// ErrVerify: a block did not decode to what was packed; see [WithVerify].
	// It means a defect of kolm or of the machine.
	ErrVerify = errors.New("kolm: packed block does not decode to its input")
	// ErrClosed: Write after Close.
	ErrClosed = errors.New("kolm: writer is closed")
)
