package lab

import (
	"bytes"
	"fmt"
	"io"

	"kolm"
	"kolm/internal/peer"
)

// fileCode makes a file of bytes; size is that of a file that was decoded.
type fileCode struct {
	name string
	size func(plain []byte) (int, error)
}

// fileCodes are kolm and the peers that are the same on every machine.
func fileCodes() []fileCode {
	codes := []fileCode{
		{"kolm -1", func(b []byte) (int, error) { return pack(b, kolm.WithLevel(1)) }},
		{"kolm -5", func(b []byte) (int, error) { return pack(b, kolm.WithLevel(5)) }},
	}
	for _, p := range []peer.Peer{peer.Gzip, peer.XZ, peer.Zstd} {
		codes = append(codes, fileCode{p.Name, func(b []byte) (int, error) {
			m, err := p.Measure(b)
			return int(m.Size), err
		}})
	}
	return codes
}

// pack returns the size of the bytes packed by kolm, after unpacking them.
func pack(plain []byte, opts ...kolm.Option) (int, error) {
	opts = append(opts, kolm.WithWorkers(1)) // samples are small, and each worker has its tables
	var packed bytes.Buffer
	w, err := kolm.NewWriter(&packed, opts...)
	if err != nil {
		return 0, err
	}
	if _, err := w.Write(plain); err != nil {
		return 0, err
	}
	if err := w.Close(); err != nil {
		return 0, err
	}
	size := packed.Len()
	rd, err := kolm.NewReader(&packed, opts...)
	if err != nil {
		return 0, err
	}
	back, err := io.ReadAll(rd)
	if err == nil && !bytes.Equal(back, plain) {
		err = fmt.Errorf("kolm: other bytes came back")
	}
	return size, err
}
