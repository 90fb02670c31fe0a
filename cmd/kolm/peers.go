package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// peer is a compressor to compare with. pack and unpack work on files in a
// scratch folder: IN is the plain file, OUT the packed one, BACK the unpacked.
type peer struct {
	name         string
	tool         string // command looked up in PATH; empty: part of this program
	pack, unpack func(dir string) *exec.Cmd
	inProcess    func(dst io.Writer, plain []byte) error // where tool is empty
	open         func(io.Reader) (io.Reader, error)
}

const (
	plainName  = "plain"
	packedName = "packed"
	backName   = "back"
)

// filter makes commands of a tool that reads standard input.
func filter(name, pack, unpack string) peer {
	run := func(line, in, out string) func(string) *exec.Cmd {
		return func(dir string) *exec.Cmd {
			cmd := command(line)
			cmd.Stdin, _ = os.Open(filepath.Join(dir, in))
			cmd.Stdout, _ = os.Create(filepath.Join(dir, out))
			return cmd
		}
	}
	tool, _, _ := strings.Cut(pack, " ")
	return peer{name: name, tool: tool,
		pack:   run(pack, plainName, packedName),
		unpack: run(unpack, packedName, backName)}
}

// command makes a command of a line; kolm is this program, wherever it is.
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
func archiver(name, pack, unpack string) peer {
	run := func(line, sub string) func(string) *exec.Cmd {
		return func(dir string) *exec.Cmd {
			cmd := command(line)
			cmd.Dir = filepath.Join(dir, sub)
			return cmd
		}
	}
	tool, _, _ := strings.Cut(pack, " ")
	return peer{name: name, tool: tool, pack: run(pack, ""), unpack: run(unpack, "sub")}
}

// peers lists the compressors to compare with, each at its best setting. Where
// xz or zstd is not installed, the Go libraries stand in under their own names.
func peers() []peer {
	all := []peer{
		filter("xz -9e", "xz -9e -c", "xz -dc"),
		filter("zstd --ultra -22", "zstd --ultra -22 -q -c", "zstd -dqc --memory=2048MB"),
		filter("brotli -q 11", "brotli -q 11 -w 24 -c", "brotli -dc"),
		filter("bzip3", "bzip3 -e -b 16 -c", "bzip3 -d -c"),
		archiver("7z PPMd", "7z a -bd -m0=PPMd:o=16:mem=256m packed.7z plain", "7z x -y -bd ../packed.7z"),
		archiver("zpaq -m5", "zpaq a packed.zpaq plain -m5", "zpaq x ../packed.zpaq"),
	}
	var have []peer
	for _, p := range all {
		if _, err := exec.LookPath(p.tool); err == nil {
			have = append(have, p)
			continue
		}
		if lib, ok := libraries[p.tool]; ok {
			have = append(have, lib)
		}
	}
	return have
}

var libraries = map[string]peer{
	"xz": {
		name: "xz (Go library)",
		inProcess: func(dst io.Writer, plain []byte) error {
			w, err := xz.WriterConfig{DictCap: 64 << 20}.NewWriter(dst)
			return writeAll(w, plain, err)
		},
		open: func(r io.Reader) (io.Reader, error) { return xz.NewReader(r) },
	},
	"zstd": {
		name: "zstd (Go library)",
		inProcess: func(dst io.Writer, plain []byte) error {
			w, err := zstd.NewWriter(dst, zstd.WithEncoderLevel(zstd.SpeedBestCompression))
			return writeAll(w, plain, err)
		},
		open: func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r) },
	},
}

func writeAll(w io.WriteCloser, b []byte, err error) error {
	if err != nil {
		return err
	}
	if _, err := w.Write(b); err != nil {
		return err
	}
	return w.Close()
}

// measure packs and unpacks the file plain in dir, checks that the same bytes
// came back and returns the packed size.
func (p peer) measure(dir string, plain []byte) (size int64, packed, unpacked time.Duration, err error) {
	if p.tool == "" {
		return p.measureLibrary(plain)
	}
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o700); err != nil {
		return 0, 0, 0, err
	}
	if packed, err = timed(p.pack(dir)); err != nil {
		return 0, 0, 0, fmt.Errorf("%s: pack: %w", p.name, err)
	}
	if unpacked, err = timed(p.unpack(dir)); err != nil {
		return 0, 0, 0, fmt.Errorf("%s: unpack: %w", p.name, err)
	}
	out, err := filepath.Glob(filepath.Join(dir, packedName+"*"))
	if err != nil || len(out) != 1 {
		return 0, 0, 0, fmt.Errorf("%s: found %d packed files, want 1", p.name, len(out))
	}
	info, err := os.Stat(out[0])
	if err != nil {
		return 0, 0, 0, err
	}
	back, err := os.ReadFile(filepath.Join(dir, backName))
	if os.IsNotExist(err) {
		back, err = os.ReadFile(filepath.Join(dir, "sub", plainName))
	}
	if err != nil {
		return 0, 0, 0, err
	}
	if !bytes.Equal(back, plain) {
		return 0, 0, 0, fmt.Errorf("%s: other bytes came back", p.name)
	}
	return info.Size(), packed, unpacked, nil
}

func (p peer) measureLibrary(plain []byte) (size int64, packed, unpacked time.Duration, err error) {
	var buf bytes.Buffer
	start := time.Now()
	if err := p.inProcess(&buf, plain); err != nil {
		return 0, 0, 0, err
	}
	packed, size = time.Since(start), int64(buf.Len())
	start = time.Now()
	r, err := p.open(&buf)
	if err != nil {
		return 0, 0, 0, err
	}
	back, err := io.ReadAll(r)
	if err == nil && !bytes.Equal(back, plain) {
		err = fmt.Errorf("%s: other bytes came back", p.name)
	}
	return size, packed, time.Since(start), err
}

// timed runs a command and returns how long it took.
func timed(cmd *exec.Cmd) (time.Duration, error) {
	var talk bytes.Buffer
	cmd.Stderr = &talk
	start := time.Now()
	err := cmd.Run()
	for _, f := range []any{cmd.Stdin, cmd.Stdout} {
		if c, ok := f.(*os.File); ok {
			c.Close()
		}
	}
	if err != nil && talk.Len() > 0 {
		err = fmt.Errorf("%w: %s", err, strings.TrimSpace(talk.String()))
	}
	return time.Since(start), err
}
