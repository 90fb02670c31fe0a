package codes

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"

	"kolm/internal/ledger"
	"kolm/internal/prequential"
)

// online writes data in the code of a model that learns while it codes, and reads
// it back. Nothing of the model is sent.
func online(ctx context.Context, in *Input) ([]*ledger.Ledger, error) {
	n := len(in.Data)
	if n > prequential.MaxBytes {
		return nil, fmt.Errorf("%w: %d bytes are more than a model learns from, %d", ErrUnfit, n, prequential.MaxBytes)
	}
	size := prequential.SizeFor(n)
	l := &ledger.Ledger{Code: "prequential, model alone"}
	var file, back []byte
	var ideal float64
	half := func(from float64) prequential.Options {
		return prequential.Options{
			Threads: in.Threads,
			Done:    func(bytes int) { in.say("prequential", from+float64(bytes)/float64(2*n)) },
			Stop:    ctx.Err,
		}
	}
	err := timed(l, func() (err error) {
		o := half(0)
		o.Watch = func(p uint32) { ideal += 32 - math.Log2(float64(p)) }
		if file, err = prequential.Encode(in.Data, o); err != nil {
			return err
		}
		back, err = prequential.Decode(file, half(.5))
		return err
	})
	if err != nil {
		return nil, err
	}
	payload(l, len(binary.AppendUvarint(nil, uint64(n))), ideal, len(file))
	l.Note("a model of %v, with random weights at first: it learns from the bytes behind it, and is not sent", size)
	if err := decoded(l, back, in.Data); err != nil {
		return nil, err
	}
	return []*ledger.Ledger{l}, l.Close(int64(len(file)))
}
