package kolm

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

var (
	allLevels    = flag.Bool("levels", false, "pack every file of testdata/levels.csv, not only the small ones (an hour)")
	updateLevels = flag.Bool("update-levels", false, "write what -levels packed to testdata/levels.csv")
)

// publicFiles is where the files of testdata/levels.csv are.
const publicFiles = "../shared/eval"

// TestLevels holds the packed sizes of public files in a table, so that a change
// of any of them is seen in a review. Its columns are a file, the first digits of
// its SHA-256, its bytes, and its packed bytes by level.
func TestLevels(t *testing.T) {
	if testing.Short() {
		t.Skip("sizes do not depend on the CPU, by other tests")
	}
	if _, err := os.Stat(publicFiles); err != nil {
		t.Skipf("%s is not here: no size was compared", publicFiles)
	}
	const small = 60_000
	name := filepath.Join("testdata", "levels.csv")
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	table, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, row := range table[1:] {
		plain, err := os.ReadFile(filepath.Join(publicFiles, row[0]))
		if err != nil {
			t.Fatal(err)
		}
		if sum := fmt.Sprintf("%.8x", sha256.Sum256(plain)); row[1] != sum || row[2] != strconv.Itoa(len(plain)) {
			t.Fatalf("%s: %d bytes of hash %s are not the file of the table", row[0], len(plain), sum)
		}
		if !*allLevels && len(plain) > small {
			continue
		}
		for i := 3; i < len(row); i++ {
			level, err := strconv.Atoi(table[0][i])
			if err != nil {
				t.Fatalf("%s: column %q is no level", name, table[0][i])
			}
			if row[i] == "" {
				continue // too slow for the table
			}
			size := strconv.Itoa(len(pack(t, plain, WithLevel(level))))
			if size != row[i] && !*updateLevels {
				t.Errorf("%s at level %d: %s bytes, the table says %s", row[0], level, size, row[i])
			}
			row[i] = size
			compared++
		}
	}
	if compared == 0 {
		t.Errorf("%s names no file of at most %d bytes", name, small)
	}
	if !*updateLevels {
		return
	}
	var out bytes.Buffer
	csv.NewWriter(&out).WriteAll(table)
	if err := os.WriteFile(name, out.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
}
