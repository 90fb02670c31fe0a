package kolm

import (
	"fmt"
	"runtime"

	"kolm/internal/container"
)

// What a Writer uses unless told. Blocks of contexts alone are smaller, because
// they can keep two cores busy only two at a time.
const (
	DefaultLevel             = 5
	DefaultBlockSize         = 4 << 20   // from level 3 on
	DefaultContextsBlockSize = 2_000_000 // below
)

// modelLevel is the least level that packs with a model.
const modelLevel = 3

// Option sets up a Writer, Reader, ReaderAt or Codec. One that does not apply
// to what is being made has no effect.
type Option func(*options) error

type options struct {
	level     int
	model     *Model
	find      func(prefix []byte) (*Model, error)
	workers   int
	blockSize int
	equal     bool // blocks may be made smaller than blockSize, to be equal
	maxBlock  int
	verify    bool
	progress  func(n int)
}

func newOptions(opts []Option) (*options, error) {
	o := &options{
		level:    DefaultLevel,
		workers:  runtime.GOMAXPROCS(0),
		maxBlock: container.MaxBlock,
	}
	for _, f := range opts {
		if err := f(o); err != nil {
			return nil, err
		}
	}
	if o.blockSize == 0 {
		o.equal = true
		o.blockSize = DefaultBlockSize
		if o.level < modelLevel {
			o.blockSize = DefaultContextsBlockSize
		}
	}
	return o, nil
}

func inRange(name string, n, low, high int) error {
	if n < low || n > high {
		return fmt.Errorf("%w: %s is %d, must be %d to %d", ErrOption, name, n, low, high)
	}
	return nil
}

// WithLevel chooses the effort of packing, 1 to 9. 1 is contexts only, 2 the
// same with further contexts for structured text. 3 and 4 are contexts with the
// small built-in model, 5 with the other one; 6 to 8 are the same in one stream a
// block, which is smaller and keeps little more than one CPU busy; at 9 the model
// learns from what it coded, at a few KB a second.
func WithLevel(n int) Option {
	return func(o *options) error {
		switch {
		case n == 9:
			o.level = 9
		case n >= 6:
			o.level = 6
		case n == 5:
			o.level = 5
		case n >= 3:
			o.level = 3
		case n == 2:
			o.level = 2
		default:
			o.level = 1
		}
		return inRange("level", n, 1, 9)
	}
}

// WithModel gives the model to pack with, from level 3 on, and to unpack what it
// packed. nil is the built-in model of the level.
func WithModel(m *Model) Option {
	return func(o *options) error { o.model = m; return nil }
}

// WithModels gives the way to find a model when unpacking by the first bytes of
// its ID: 4, or 8. It is asked for models other than the built-in ones and that
// of WithModel. If there is none it returns nil or an error that says why.
func WithModels(find func(prefix []byte) (*Model, error)) Option {
	return func(o *options) error { o.find = find; return nil }
}

// WithWorkers sets how many blocks are coded at once, at first one a CPU. Memory
// grows with it; the packed bytes do not depend on it. With one worker a Reader
// reads no further than the block it is asked for.
func WithWorkers(n int) Option {
	return func(o *options) error { o.workers = n; return inRange("number of workers", n, 1, 1<<10) }
}

// WithBlockSize sets how many bytes are packed as one block. Larger blocks pack
// a little better; smaller ones seek faster, use less memory and lose less to damage.
func WithBlockSize(n int) Option {
	return func(o *options) error {
		o.blockSize = n
		return inRange("block size", n, 1, container.MaxBlock)
	}
}

// WithMaxBlock makes a reader refuse larger blocks, by [ErrLimit].
func WithMaxBlock(n int) Option {
	return func(o *options) error {
		o.maxBlock = n
		return inRange("greatest block", n, 1, container.MaxBlock)
	}
}

// WithVerify makes a Writer decode every block and compare it with its input
// before it is written.
func WithVerify(on bool) Option {
	return func(o *options) error { o.verify = on; return nil }
}

// WithProgress has f called with the number of plain bytes coded since its last
// call; a Writer that verifies counts each byte twice. f is called from several
// goroutines.
func WithProgress(f func(n int)) Option {
	return func(o *options) error { o.progress = f; return nil }
}
