package container

import (
	"errors"
	"fmt"
)

// Kinds of error. Every error about the contents of a file is an *Error that
// wraps one of these; all others come from the reader or writer below.
var (
	// ErrMagic: the file does not begin as a kolm file does; typically it is another file.
	ErrMagic = errors.New("not a kolm file")
	// ErrVersion: the format is newer than this program, or reserved bits are in use.
	ErrVersion = errors.New("unsupported version")
	// ErrModel: the model that a block needs is not at hand.
	ErrModel = errors.New("unknown model")
	// ErrHeader: a header, block header or index is damaged, or says what can not be.
	ErrHeader = errors.New("header corrupt")
	// ErrBlock: the plain bytes of a block are not those that were packed.
	ErrBlock = errors.New("block corrupt")
	// ErrTruncated: the file ends too early; typically a transfer was cut off.
	ErrTruncated = errors.New("truncated")
	// ErrTrailing: something other than a member follows a member.
	ErrTrailing = errors.New("trailing data")
	// ErrLimit: a length is above a limit of the format or of the caller.
	ErrLimit = errors.New("limit exceeded")
)

// Error says what is wrong with a file, and where.
type Error struct {
	Kind   error  // one of the Err variables of this package
	Offset int64  // in the file, where the damaged part begins
	Block  int    // number of the block in the file, from 0; -1 if not about a block
	Good   int64  // plain bytes before it that are good, if the file is read from its start
	Detail string // may be empty
}

func (e *Error) Error() string {
	where := fmt.Sprintf("offset %d", e.Offset)
	if e.Block >= 0 {
		where = fmt.Sprintf("block %d at offset %d", e.Block, e.Offset)
	}
	if e.Detail == "" {
		return where + ": " + e.Kind.Error()
	}
	return where + ": " + e.Kind.Error() + ": " + e.Detail
}

// Unwrap returns the kind.
func (e *Error) Unwrap() error { return e.Kind }

func wrong(kind error, format string, args ...any) *Error {
	return &Error{Kind: kind, Block: -1, Detail: fmt.Sprintf(format, args...)}
}
