package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"kolm"
	"kolm/internal/train"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"kolm": func() {
		if os.Getenv("KOLM_TEST_SLOW") != "" {
			testInput = func(r io.Reader) io.Reader { return slow{r} }
		}
		os.Exit(run(os.Args[1:]))
	}})
}

// slow gives a byte every 10 ms.
type slow struct{ r io.Reader }

func (s slow) Read(p []byte) (int, error) {
	time.Sleep(10 * time.Millisecond)
	return s.r.Read(p[:min(1, len(p))])
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", filepath.Join(e.WorkDir, "home"))
			e.Setenv("KOLM_MODELS", "")
			e.Setenv("SHARED", sharedModels())
			return nil
		},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "root":
				return os.Getuid() == 0, nil
			case "shared":
				_, err := os.Stat(sharedModels())
				return err == nil, nil
			case "mount":
				return canMount(), nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":      cmdExits,
			"interrupt":  cmdInterrupt,
			"flip":       cmdFlip,
			"cut":        cmdCut,
			"repeat":     cmdRepeat,
			"same":       cmdSame,
			"smalldisk":  cmdSmallDisk,
			"othermodel": cmdOtherModel,
			"plainmodel": cmdPlainModel,
			"bytes":      cmdBytes,
		},
		RequireExplicitExec: true,
	})
}

// sharedModels is a folder beside the repository.
func sharedModels() string {
	dir, err := filepath.Abs("../../../shared/models")
	if err != nil {
		return ""
	}
	return dir
}

// exits STATUS COMMAND...: as exec, with this exit status.
func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	got := 0
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// interrupt SIGNAL STATUS GLOB ARGS...: runs kolm with ARGS, slowly, sends it
// the signal when a file of that name appears, and wants the status.
func cmdInterrupt(ts *testscript.TestScript, neg bool, args []string) {
	sig := map[string]syscall.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP, "KILL": syscall.SIGKILL}[args[0]]
	if signal.Ignored(sig) { // as HUP is under nohup, where kolm has to ignore it too
		sig = syscall.SIGTERM
	}
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	self, err := os.Executable()
	ts.Check(err)
	cmd := exec.Command(self)
	cmd.Args = append([]string{"kolm"}, args[3:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = append(os.Environ(), "KOLM_TEST_SLOW=1", "KOLM_MODELS=", "HOME="+ts.Getenv("HOME"))
	cmd.Stderr = os.Stderr
	ts.Check(cmd.Start())
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if found, _ := filepath.Glob(ts.MkAbs(args[2])); len(found) > 0 {
			break
		}
		if time.Now().After(deadline) {
			cmd.Process.Kill()
			ts.Fatalf("%s did not appear", args[2])
		}
	}
	ts.Check(cmd.Process.Signal(sig))
	cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// flip FILE OFFSET: changes a byte; a negative offset is from the end.
func cmdFlip(ts *testscript.TestScript, neg bool, args []string) {
	b, at := fileAndNumber(ts, args)
	b[(at+len(b))%len(b)] ^= 0x55
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b, 0o666))
}

// cut FILE SIZE: keeps so many bytes; a negative size takes off the end.
func cmdCut(ts *testscript.TestScript, neg bool, args []string) {
	b, n := fileAndNumber(ts, args)
	if n < 0 {
		n += len(b)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b[:n], 0o666))
}

func fileAndNumber(ts *testscript.TestScript, args []string) ([]byte, int) {
	b, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	return b, n
}

// repeat FILE SIZE TEXT: makes a file of so many bytes. TEXT "noise" is bytes
// that do not pack.
func cmdRepeat(ts *testscript.TestScript, neg bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	b := []byte(strings.Repeat(args[2], n/len(args[2])+1))[:n]
	if args[2] == "noise" {
		for i, x := 0, uint32(1); i < n; i++ {
			x = x*1664525 + 1013904223
			b[i] = byte(x >> 24)
		}
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b, 0o666))
}

// bytes FILE HEX: makes a file of these bytes.
func cmdBytes(ts *testscript.TestScript, neg bool, args []string) {
	b, err := hex.DecodeString(args[1])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b, 0o666))
}

// same FILE FILE: have one mode and modification time.
func cmdSame(ts *testscript.TestScript, neg bool, args []string) {
	a, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	b, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if a.Mode() != b.Mode() || !a.ModTime().Equal(b.ModTime()) {
		ts.Fatalf("%s is %v %v, %s is %v %v", args[0], a.Mode(), a.ModTime(), args[1], b.Mode(), b.ModTime())
	}
}

func TestLevels(t *testing.T) {
	parser, err := newParser(new(cli), newApp())
	if err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]string{
		"-9":             "--level=9",
		"pack -1 f":      "pack --level=1 f",
		"-d9":            "--level=9 -d",
		"-9kf":           "--level=9 -kf",
		"-k9f -o x":      "--level=9 -kf -o x",
		"-T4":            "-T4",
		"-9T4":           "--level=9 -T4",
		"-o5":            "-o5",
		"-m 5 -- -9":     "-m 5 -- -9",
		"--level=3 - -c": "--level=3 - -c",
		"-0":             "--level=0",
		"pack -19":       "pack --level=19",
		"weigh -c512 f":  "weigh -c512 f",
		"pack weigh -2":  "pack weigh --level=2",
	} {
		if got := strings.Join(expandLevels(strings.Fields(in), parser.Model.Node), " "); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

func TestSizes(t *testing.T) {
	for in, want := range map[string]int{"1": 1, "65536": 65536, "64k": 65536, "64KiB": 65536, "4M": 4 << 20, "4mib": 4 << 20, "7B": 7} {
		if got, err := parseSize(in); got != want || err != nil {
			t.Errorf("parseSize(%q) is %d, %v; want %d", in, got, err, want)
		}
	}
	for _, in := range []string{"", "k", "-1", "4G", "4 MiB", "1e3", "99999M", "4MB"} {
		if n, err := parseSize(in); err == nil {
			t.Errorf("parseSize(%q) is %d", in, n)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1048524: "1023.9 KiB", 1048575: "1.0 MiB", 5 << 40: "5.0 TiB"} {
		if got := size(n); got != want {
			t.Errorf("size(%d) is %q, want %q", n, got, want)
		}
	}
	for d, want := range map[time.Duration]string{0: "0:00", 61 * time.Second: "1:01", 3599600 * time.Millisecond: "1:00:00"} {
		if got := clock(d); got != want {
			t.Errorf("clock(%v) is %q, want %q", d, got, want)
		}
	}
}

func TestProgressLine(t *testing.T) {
	var out strings.Builder
	p := &progress{w: &out, name: "a/very/long/name/of/a/file/that/does/not/fit.txt", total: 1000 << 10, passes: 2}
	for _, c := range []struct {
		spent time.Duration
		more  int
		want  string
	}{
		{1900 * time.Millisecond, 0, ""},
		{2200 * time.Millisecond, 0, "\r.../a/file/that/does/not/fit.txt: 0:02"},
		{2500 * time.Millisecond, 500 << 10, "\r.../a/file/that/does/not/fit.txt: 25.00% of 1000.0 KiB  100.0 KiB/s  ETA 0:08"},
	} {
		out.Reset()
		p.add(c.more)
		p.draw(c.spent)
		if got := strings.TrimRight(out.String(), " "); got != c.want {
			t.Errorf("after %v: %q, want %q", c.spent, got, c.want)
		}
	}
	out.Reset()
	p.erase()
	if got := out.String(); strings.TrimSpace(got) != "" || !strings.HasPrefix(got, "\r") || !strings.HasSuffix(got, "\r") {
		t.Errorf("erased by %q", got)
	}
	out.Reset()
	p.erase()
	p.end()
	p.draw(time.Hour)
	(*progress)(nil).erase()
	(*progress)(nil).add(1)
	if out.Len() > 0 {
		t.Errorf("printed after the end: %q", out.String())
	}
}

func TestTextOnly(t *testing.T) {
	for in, ok := range map[string]bool{
		"plain text\n\ttab\r\n": true, "Größe 你好": true, "cut \xe4\xbd": true,
		"nul \x00": false, "escape \x1b[2J": false, "\x7f": false, "not \xff\xfe\xff\xff utf-8": false,
	} {
		if _, err := (textOnly{io.Discard}).Write([]byte(in)); (err == nil) != ok {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func TestVersionLine(t *testing.T) {
	r := versionReport{Version: "(devel)", Format: 1, Go: "go1.26", System: "linux/s390x", Kernel: "portable", Model: "0123456789abcdef", Small: "fedcba9876543210"}
	if got, want := r.line(), "kolm (devel), format 1, linux/s390x go1.26, kernel portable, models 01234567, fedcba98"; got != want {
		t.Errorf("without a repository: %q, want %q", got, want)
	}
	b := &debug.BuildInfo{Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "00112233445566778899"}, {Key: "vcs.modified", Value: "true"}}}
	b.Main.Version = "v1.2.3"
	r.fill(b)
	if got, want := r.line(), "kolm v1.2.3, commit 001122334455 modified, format 1, linux/s390x go1.26, kernel portable, models 01234567, fedcba98"; got != want {
		t.Errorf("with one: %q, want %q", got, want)
	}
}

// TestTrainShape resumes a run with other heads than --size gives a new one.
func TestTrainShape(t *testing.T) {
	begun := train.DefaultShape()
	begun.KVHeads = begun.Heads
	for size, want := range map[string]int{"": 4, "6x256": 4, "6x512": 4, "5x256": 2} {
		o := train.Options{Shape: begun}
		if err := (&trainCmd{Resume: true, Size: size}).shape(&o); err != nil || o.Shape.KVHeads != want {
			t.Errorf("--size=%s: %d key heads, want %d, %v", size, o.Shape.KVHeads, want, err)
		}
	}
}

// TestStatus is for the errors that no script can bring about.
func TestStatus(t *testing.T) {
	for want, err := range map[int]error{
		codeFailed:   fmt.Errorf("writing x: %w", syscall.ENOSPC),
		codeUsage:    fmt.Errorf("%w: level is 0", kolm.ErrOption),
		codeSelfTest: fmt.Errorf("%w: unpacked other bytes", kolm.ErrSelfTest),
	} {
		if p := explain("x", err); p.code != want {
			t.Errorf("%v: status %d, want %d", err, p.code, want)
		}
	}
	if p := explain("x", kolm.ErrVerify); p.code != codeSelfTest {
		t.Errorf("%v: status %d", kolm.ErrVerify, p.code)
	}
}
