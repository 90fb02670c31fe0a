// Package nofuse checks, for the tests of other packages, that compiled Go code
// computes the same floating-point bits on every architecture.
//
// The Go compiler may fuse x*y+z into one instruction that rounds once, and
// does so on arm64, riscv64 and others, and on amd64 from GOAMD64=v3 on. An
// explicit conversion, float32(x*y)+z, forbids it. Whether it was written
// everywhere only the compiler's own listing tells: go tool objdump does not
// decode these instructions on amd64. Likewise most functions of package math
// differ between architectures; those that round exactly (Sqrt, Floor, ...) do
// not.
//
// The package knows nothing of what it checks. It runs the go command.
package nofuse

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// targets are builds for which the compiler fuses.
var targets = [][]string{
	{"GOARCH=amd64", "GOAMD64=v3"},
	{"GOARCH=arm64"},
	{"GOARCH=riscv64"},
}

// Check fails t where the package with the given import path has fused
// instructions in compiled Go code, of math.FMA too, or calls a function of
// package math whose result differs between architectures. Assembly and test
// files are not looked at.
func Check(t testing.TB, pkg string) {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("nofuse: the go command is absent, nothing was checked")
	}
	for _, target := range targets {
		found, err := Fused(pkg, target...)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			t.Errorf("%s: %s: write the product as float32(x*y) or float64(x*y)", strings.Join(target, " "), f)
		}
	}
	found, err := Inexact(pkg)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		t.Errorf("%s: the result differs between architectures", f)
	}
}

// instruction matches a line of the listing: position in the source, mnemonic.
var instruction = regexp.MustCompile(`(?m)^\t0x[0-9a-f]+ \d+ \(([^)]*)\)\t(\S+)`)

var fused = regexp.MustCompile(`^V?FN?M(ADD|SUB)`)

// Fused builds a package with the given environment (GOARCH=...) and returns
// the fused instructions in it, as "file:line: mnemonic".
func Fused(pkg string, env ...string) ([]string, error) {
	cmd := exec.Command("go", "build", "-gcflags=-S", pkg)
	cmd.Env = append(append(os.Environ(), "GOOS=linux", "CGO_ENABLED=0", "GOFLAGS="), env...)
	listing, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("nofuse: go build %s for %v: %w\n%s", pkg, env, err, tail(listing))
	}
	lines := instruction.FindAllSubmatch(listing, -1)
	if len(lines) == 0 {
		return nil, fmt.Errorf("nofuse: go build %s for %v listed no instruction", pkg, env)
	}
	var found []string
	for _, l := range lines {
		if fused.Match(l[2]) {
			found = append(found, fmt.Sprintf("%s: %s", l[1], l[2]))
		}
	}
	return found, nil
}

// tail returns the end of a long output.
func tail(b []byte) []byte {
	const most = 2000
	return b[max(0, len(b)-most):]
}

// inexact lists the functions of package math that are not exactly rounded.
var inexact = func() map[string]bool {
	m := map[string]bool{}
	for _, name := range strings.Fields(`Acos Acosh Asin Asinh Atan Atan2 Atanh Cbrt
		Cos Cosh Erf Erfc Erfcinv Erfinv Exp Exp2 Expm1 Gamma Hypot J0 J1 Jn Lgamma
		Log Log10 Log1p Log2 Pow Pow10 Sin Sincos Sinh Tan Tanh Y0 Y1 Yn`) {
		m[name] = true
	}
	return m
}()

// Inexact returns the uses of inexact functions of package math in the Go files
// of a package, for all architectures, as "file:line: math.Name".
func Inexact(pkg string) ([]string, error) {
	out, err := exec.Command("go", "list", "-f", "{{.Dir}}", pkg).Output()
	if err != nil {
		return nil, fmt.Errorf("nofuse: go list %s: %w", pkg, err)
	}
	dir := string(bytes.TrimSpace(out))
	files, err := fs.Glob(os.DirFS(dir), "*.go")
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("nofuse: no Go file in %s (%v)", dir, err)
	}
	var found []string
	fset := token.NewFileSet()
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, filepath.Join(dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, fmt.Errorf("nofuse: %w", err)
		}
		found = append(found, inexactIn(fset, f)...)
	}
	return found, nil
}

func inexactIn(fset *token.FileSet, f *ast.File) (found []string) {
	local := ""
	for _, i := range f.Imports {
		if path, _ := strconv.Unquote(i.Path.Value); path == "math" {
			local = "math"
			if i.Name != nil {
				local = i.Name.Name
			}
		}
	}
	if local == "" {
		return nil
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == local && inexact[sel.Sel.Name] {
				found = append(found, fmt.Sprintf("%s: math.%s", fset.Position(sel.Pos()), sel.Sel.Name))
			}
		}
		return true
	})
	return found
}
