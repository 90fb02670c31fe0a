// Package peer runs the compressors that kolm is compared with. Every size that
// it returns is that of bytes from which the input came back.
//
// The package must not know kolm's own codec.
package peer

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// Peer is a compressor: an installed tool, or a Go library.
type Peer struct {
	Name         string
	tool         string                        // command looked up in PATH; empty: a library
	pack, unpack func(dir string) *exec.Cmd    // of a tool, with files in a scratch folder
	write        func(io.Writer, []byte) error // of a library
	read         func(io.Reader) (io.Reader, error)
}

// Files in a tool's scratch folder.
const (
	plainName  = "plain"
	packedName = "packed"
	backName   = "back"
)

// Filter makes commands of a tool that reads standard input. The tool kolm is
// this program, wherever it is.
func Filter(name, pack, unpack string) Peer {
	run := func(line, in, out string) func(string) *exec.Cmd {
		return func(dir string) *exec.Cmd {
			cmd := command(line)
			cmd.Stdin, _ = os.Open(filepath.Join(dir, in))
			cmd.Stdout, _ = os.Create(filepath.Join(dir, out))
			return cmd
		}
	}
	tool, _, _ := strings.Cut(pack, " ")
	return Peer{Name: name, tool: tool,
		pack:   run(pack, plainName, packedName),
		unpack: run(unpack, packedName, backName)}
}

func command(line string) *exec.Cmd {
	args := strings.Fields(line)
	if args[0] == "kolm" {
		if self, err := os.Executable(); err == nil {
			args[0] = self
		}
	}
	return exec.Command(args[0], args[1:]...)
}

// archiver makes commands of a tool that wants file names, and that unpacks a
// file under its own name into the folder where it runs.
func archiver(name, pack, unpack string) Peer {
	run := func(line, sub string) func(string) *exec.Cmd {
		return func(dir string) *exec.Cmd {
			cmd := command(line)
			cmd.Dir = filepath.Join(dir, sub)
			return cmd
		}
	}
	tool, _, _ := strings.Cut(pack, " ")
	return Peer{Name: name, tool: tool, pack: run(pack, ""), unpack: run(unpack, "sub")}
}

// Installed lists the compressors to compare with, each at its best setting. Where
// xz or zstd is not installed, the Go libraries stand in under their own names.
func Installed() []Peer {
	all := []Peer{
		Filter("xz -9e", "xz -9e -c", "xz -dc"),
		Filter("zstd --ultra -22", "zstd --ultra -22 -q -c", "zstd -dqc --memory=2048MB"),
		Filter("brotli -q 11", "brotli -q 11 -w 24 -c", "brotli -dc"),
		Filter("bzip3", "bzip3 -e -b 16 -c", "bzip3 -d -c"),
		archiver("7z PPMd o6", "7z a -bd -m0=PPMd:o=6:mem=256m packed.7z plain", "7z x -y -bd ../packed.7z"),
		archiver("7z PPMd o16", "7z a -bd -m0=PPMd:o=16:mem=256m packed.7z plain", "7z x -y -bd ../packed.7z"),
		archiver("zpaq -m5", "zpaq a packed.zpaq plain -m5", "zpaq x ../packed.zpaq"),
	}
	var have []Peer
	for _, p := range all {
		if _, err := exec.LookPath(p.tool); err == nil {
			have = append(have, p)
			continue
		}
		switch p.tool {
		case "xz":
			have = append(have, XZ)
		case "zstd":
			have = append(have, Zstd)
		}
	}
	return have
}

// Compressors that need no tool, so that their sizes are the same everywhere.
var (
	Gzip = Peer{
		Name: "gzip (Go library)",
		write: func(dst io.Writer, plain []byte) error {
			w, err := gzip.NewWriterLevel(dst, gzip.BestCompression)
			return writeAll(w, plain, err)
		},
		read: func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
	}
	XZ = Peer{
		Name: "xz (Go library)",
		write: func(dst io.Writer, plain []byte) error {
			w, err := xz.WriterConfig{DictCap: 64 << 20}.NewWriter(dst)
			return writeAll(w, plain, err)
		},
		read: func(r io.Reader) (io.Reader, error) { return xz.NewReader(r) },
	}
	Zstd = Peer{
		Name: "zstd (Go library)",
		write: func(dst io.Writer, plain []byte) error {
			w, err := zstd.NewWriter(dst, zstd.WithEncoderLevel(zstd.SpeedBestCompression))
			return writeAll(w, plain, err)
		},
		read: func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r) },
	}
)

func writeAll(w io.WriteCloser, b []byte, err error) error {
	if err != nil {
		return err
	}
	if _, err := w.Write(b); err != nil {
		return err
	}
	return w.Close()
}

// Measurement is what a compressor made of an input.
type Measurement struct {
	Size               int64 // bytes packed
	Pack, Unpack       time.Duration
	PackCPU, UnpackCPU time.Duration // of all its threads; for a library, the time it took
}

// Measure packs and unpacks an input and checks that the same bytes came back.
func (p Peer) Measure(plain []byte) (m Measurement, err error) {
	var back []byte
	if p.tool == "" {
		back, err = p.measureLibrary(&m, plain)
	} else {
		back, err = p.measureTool(&m, plain)
	}
	if err == nil && !bytes.Equal(back, plain) {
		err = fmt.Errorf("other bytes came back")
	}
	if err != nil {
		return m, fmt.Errorf("%s: %w", p.Name, err)
	}
	return m, nil
}

func (p Peer) measureTool(m *Measurement, plain []byte) (back []byte, err error) {
	dir, err := os.MkdirTemp("", "kolm-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, plainName), plain, 0o600); err != nil {
		return nil, err
	}
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o700); err != nil {
		return nil, err
	}
	if m.Pack, m.PackCPU, err = timed(p.pack(dir)); err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	if m.Unpack, m.UnpackCPU, err = timed(p.unpack(dir)); err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	out, err := filepath.Glob(filepath.Join(dir, packedName+"*"))
	if err != nil || len(out) != 1 {
		return nil, fmt.Errorf("found %d packed files, want 1", len(out))
	}
	info, err := os.Stat(out[0])
	if err != nil {
		return nil, err
	}
	m.Size = info.Size()
	back, err = os.ReadFile(filepath.Join(dir, backName))
	if os.IsNotExist(err) {
		back, err = os.ReadFile(filepath.Join(dir, "sub", plainName))
	}
	return back, err
}

func (p Peer) measureLibrary(m *Measurement, plain []byte) (back []byte, err error) {
	var buf bytes.Buffer
	start := time.Now()
	if err := p.write(&buf, plain); err != nil {
		return nil, err
	}
	m.Pack, m.Size = time.Since(start), int64(buf.Len())
	m.PackCPU = m.Pack
	start = time.Now()
	r, err := p.read(&buf)
	if err != nil {
		return nil, err
	}
	back, err = io.ReadAll(r)
	m.Unpack = time.Since(start)
	m.UnpackCPU = m.Unpack
	return back, err
}

// timed runs a command and returns how long it took, by the clock and in time of
// all its threads.
func timed(cmd *exec.Cmd) (wall, cpu time.Duration, err error) {
	var talk bytes.Buffer
	cmd.Stderr = &talk
	start := time.Now()
	err = cmd.Run()
	wall = time.Since(start)
	if cmd.ProcessState != nil {
		cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	for _, f := range []any{cmd.Stdin, cmd.Stdout} {
		if c, ok := f.(*os.File); ok {
			c.Close()
		}
	}
	if err != nil && talk.Len() > 0 {
		err = fmt.Errorf("%w: %s", err, strings.TrimSpace(talk.String()))
	}
	return wall, cpu, err
}
