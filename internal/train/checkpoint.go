package train

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"time"
)

// Files of a run folder.
const (
	checkpointFile = "checkpoint"      // the latest state
	previousFile   = "checkpoint.prev" // the one before it
	stableFile     = "stable"          // the state before the decay
	decayFile      = "decay"           // written by the operator: begin the decay
)

// A checkpoint is
//
//	offset  0  "kolmckp1"
//	offset  8  length of the header, uint32
//	offset 12  header, JSON
//	then       weights, first moments, second moments, float32 little-endian
//	last 32    SHA-256 of everything before
const (
	checkpointMagic = "kolmckp1"
	maxHeader       = 16 << 20
)

// progress is everything that changes during a run but for the arrays.
type progress struct {
	Step     int64
	Tokens   int64
	Order    order
	Schedule schedule
	TrainEMA float64       // bits per byte
	Trained  time.Duration // wall time of all sessions
	Held     float64       // latest held-out bits per byte, 0 if there was none
}

// header is the JSON part of a checkpoint.
type header struct {
	Shape    Shape
	Recipe   Recipe
	Merges   [][2]int32
	Data     [32]byte // key of the token cache
	Progress progress
}

// state is a checkpoint in memory.
type state struct {
	header
	w, m, v []float32
}

// ErrDamaged means that a checkpoint is not what was written.
var ErrDamaged = errors.New("checkpoint is damaged")

// save writes the state to dir/name atomically and keeps the file that was
// there as prev, if that is not empty. A kill at any moment leaves at least one
// whole checkpoint under one of the two names.
func (s *state) save(dir, name, prev string) error {
	path := filepath.Join(dir, name)
	f, err := os.Create(path + ".tmp")
	if err != nil {
		return fmt.Errorf("train: checkpoint: %w", err)
	}
	err = s.write(f)
	if err == nil && prev != "" {
		err = keep(path, filepath.Join(dir, prev))
	}
	if err := replace(f, path, err); err != nil {
		return fmt.Errorf("train: checkpoint: %w", err)
	}
	return nil
}

// keep makes path known as prev too. Where the file system has no links the
// file is renamed, and latest finds it under its second name if need be.
func keep(path, prev string) error {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	tmp := prev + ".tmp"
	os.Remove(tmp)
	if err := os.Link(path, tmp); err != nil {
		return os.Rename(path, prev)
	}
	return os.Rename(tmp, prev)
}

func (s *state) write(f io.Writer) error {
	head, err := json.Marshal(&s.header)
	if err != nil {
		return err
	}
	sum := sha256.New()
	w := bufio.NewWriterSize(f, 1<<16)
	out := io.MultiWriter(w, sum)
	start := binary.LittleEndian.AppendUint32([]byte(checkpointMagic), uint32(len(head)))
	if _, err := out.Write(append(start, head...)); err != nil {
		return err
	}
	for _, x := range [][]float32{s.w, s.m, s.v} {
		if err := writeFloats(out, x); err != nil {
			return err
		}
	}
	if _, err := w.Write(sum.Sum(nil)); err != nil {
		return err
	}
	return w.Flush()
}

// states are the files of a run folder that hold a state, the latest first.
func states(dir string) (names []string) {
	for _, name := range []string{checkpointFile, previousFile, stableFile} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			names = append(names, name)
		}
	}
	return names
}

// latest reads the latest state of a run folder and says in which file it was.
func latest(dir string) (s *state, name string, err error) {
	names := states(dir)
	if len(names) == 0 {
		return nil, "", fmt.Errorf("train: no checkpoint in %s: start without --resume", dir)
	}
	s, err = load(dir, names[0])
	if errors.Is(err, ErrDamaged) && len(names) > 1 {
		err = fmt.Errorf("%w: remove it to go on from %s", err, names[1])
	}
	return s, names[0], err
}

// load reads the checkpoint dir/name.
func load(dir, name string) (*state, error) {
	path := filepath.Join(dir, name)
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("train: checkpoint: %w", err)
	}
	defer f.Close()
	s, err := readState(bufio.NewReaderSize(f, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("train: %s: %w", path, err)
	}
	return s, nil
}

// readState parses a checkpoint and verifies its checksum.
func readState(r io.Reader) (*state, error) {
	sum := sha256.New()
	in := io.TeeReader(r, sum)
	start := make([]byte, 12)
	if _, err := io.ReadFull(in, start); err != nil || string(start[:8]) != checkpointMagic {
		return nil, fmt.Errorf("%w: not a checkpoint of kolm", ErrDamaged)
	}
	n := binary.LittleEndian.Uint32(start[8:])
	if n > maxHeader {
		return nil, fmt.Errorf("%w: header of %d bytes", ErrDamaged, n)
	}
	head := make([]byte, n)
	if _, err := io.ReadFull(in, head); err != nil {
		return nil, fmt.Errorf("%w: cut short in its header", ErrDamaged)
	}
	s := &state{}
	if err := json.NewDecoder(bytes.NewReader(head)).Decode(&s.header); err != nil {
		return nil, fmt.Errorf("%w: header: %v", ErrDamaged, err)
	}
	if err := s.Shape.Check(); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrDamaged, err)
	}
	l := layout(s.Shape)
	for _, x := range []struct {
		dst *[]float32
		n   int
	}{{&s.w, l.total}, {&s.m, l.total}, {&s.v, l.adam}} {
		*x.dst = make([]float32, x.n)
		if err := readFloats(in, *x.dst); err != nil {
			return nil, fmt.Errorf("%w: cut short", ErrDamaged)
		}
	}
	return s, verify(r, sum)
}

func verify(r io.Reader, sum hash.Hash) error {
	want := make([]byte, sha256.Size+1)
	n, _ := io.ReadFull(r, want)
	if n != sha256.Size || !bytes.Equal(want[:n], sum.Sum(nil)) {
		return fmt.Errorf("%w: its checksum does not match", ErrDamaged)
	}
	return nil
}

const floatsAtOnce = 1 << 14

func writeFloats(w io.Writer, x []float32) error {
	buf := make([]byte, 0, 4*floatsAtOnce)
	for len(x) > 0 {
		n := min(len(x), floatsAtOnce)
		buf = buf[:0]
		for _, v := range x[:n] {
			buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(v))
		}
		if _, err := w.Write(buf); err != nil {
			return err
		}
		x = x[n:]
	}
	return nil
}

func readFloats(r io.Reader, x []float32) error {
	buf := make([]byte, 4*floatsAtOnce)
	for len(x) > 0 {
		n := min(len(x), floatsAtOnce)
		if _, err := io.ReadFull(r, buf[:4*n]); err != nil {
			return err
		}
		for i := range x[:n] {
			x[i] = math.Float32frombits(binary.LittleEndian.Uint32(buf[4*i:]))
		}
		x = x[n:]
	}
	return nil
}
