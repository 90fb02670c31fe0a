package codes

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"

	"kolm/internal/ledger"
	"kolm/internal/peer"
	"kolm/internal/universal"
)

// peers are the compressors of others, under the names of their tools.
func peers() []Code {
	gzip := peer.Gzip
	if _, err := exec.LookPath("gzip"); err == nil {
		gzip = peer.Filter("gzip -9", "gzip -9 -n -c", "gzip -dc")
	}
	var list []Code
	for _, p := range append([]peer.Peer{gzip}, peer.Installed()...) {
		one := func(in *Input) (*ledger.Ledger, error) {
			m, err := p.Measure(in.Data)
			if err != nil {
				return nil, err
			}
			l := &ledger.Ledger{Code: p.Name, Decoded: true, Seconds: (m.Pack + m.Unpack).Seconds()}
			l.Add(ledger.Data, "file", ledger.Bytes(m.Size))
			return l, nil
		}
		name, _, _ := strings.Cut(p.Name, " ")
		if n := len(list); n > 0 && list[n-1].Name == name { // a second setting
			first := list[n-1].run
			list[n-1].run = func(ctx context.Context, in *Input) ([]*ledger.Ledger, error) {
				rows, err := first(ctx, in)
				if err != nil {
					return nil, err
				}
				l, err := one(in)
				return append(rows, l), err
			}
			continue
		}
		list = append(list, Code{name, p.Name, func(_ context.Context, in *Input) ([]*ledger.Ledger, error) {
			l, err := one(in)
			return []*ledger.Ledger{l}, err
		}})
	}
	return list
}

func estimators(ctx context.Context, in *Input) (list []*ledger.Ledger, err error) {
	for k := range universal.MaxOrder + 1 {
		l, err := learned(fmt.Sprintf("kt order %d", k), in, func() universal.Code { return universal.KT(k) })
		if err != nil {
			return nil, err
		}
		list = append(list, l)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return list, nil
}

func contextTrees(_ context.Context, in *Input) ([]*ledger.Ledger, error) {
	l, err := learned(fmt.Sprintf("ctw depth %d", universal.MaxOrder), in, universal.CTW)
	return []*ledger.Ledger{l}, err
}

func mixture(_ context.Context, in *Input) ([]*ledger.Ledger, error) {
	l, err := learned(fmt.Sprintf("mixture of kt 0..%d", universal.MaxOrder), in, universal.Orders)
	return []*ledger.Ledger{l}, err
}

// learned writes data in a universal code and reads it back.
func learned(name string, in *Input, code func() universal.Code) (*ledger.Ledger, error) {
	if len(in.Data) > universal.MaxBytes {
		return nil, fmt.Errorf("%w: its tables are for at most %d bytes", ErrUnfit, universal.MaxBytes)
	}
	l := &ledger.Ledger{Code: name}
	var f *universal.File
	var back []byte
	err := timed(l, func() (err error) {
		if f, err = universal.Encode(code(), bytes.Clone(in.Data)); err != nil {
			return err
		}
		back, err = universal.Decode(code(), f.Bytes)
		return err
	})
	if err != nil {
		return nil, err
	}
	payload(l, f.Header, f.Ideal, len(f.Bytes))
	if err := decoded(l, back, in.Data); err != nil {
		return nil, err
	}
	return l, l.Close(int64(len(f.Bytes)))
}

// payload enters a header and an arithmetic code that together are a file.
func payload(l *ledger.Ledger, header int, ideal float64, file int) {
	data := ledger.Ideal(ideal)
	l.Add(ledger.Data, "header", ledger.Bytes(int64(header)))
	l.Add(ledger.Data, "data", data)
	l.Add(ledger.Data, "coder overhead", ledger.Bytes(int64(file-header))-data)
}
