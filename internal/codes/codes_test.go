package codes

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
	"time"

	"kolm"
	"kolm/internal/builtin"
	"kolm/internal/ledger"
	"kolm/internal/twopart"
)

func input(t *testing.T, data []byte) *Input {
	t.Helper()
	m, err := kolm.BuiltinModel()
	if err != nil {
		t.Fatal(err)
	}
	return &Input{Data: data, Model: m, ModelFile: builtin.Default.File()}
}

// rows runs the codes of a list.
func rows(t *testing.T, list string, in *Input) map[string]*ledger.Ledger {
	t.Helper()
	chosen, err := Choose(list)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]*ledger.Ledger{}
	for _, c := range chosen {
		ls, err := c.Run(context.Background(), in)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range ls {
			got[l.Code] = l
		}
	}
	return got
}

func TestPlainCodes(t *testing.T) {
	text := []byte(strings.Repeat("what this sequence costs depends on who tells it. ", 40))
	for _, data := range [][]byte{{}, {200}, text} {
		in := input(t, data)
		got := rows(t, "raw,gzip,kt,ctw,mixture,contexts,kolm", in)
		for name, l := range got {
			if !l.Decoded {
				t.Errorf("%d bytes: %s was not decoded", len(data), name)
			}
			if name != "raw" && (len(l.Entries) == 0 || l.Total()%ledger.Bytes(1) != 0) {
				t.Errorf("%d bytes: %s is %v bits: no file", len(data), name, l.Total().Float())
			}
		}
		for name, parts := range map[string]string{
			"kolm -1":                    "header data coder overhead",
			"kolm -5, model not counted": "header data coder overhead",
			"kolm -5, model counted":     "architecture tokenizer weights header data coder overhead",
			"kt order 2":                 "header data coder overhead",
		} {
			var names []string
			for _, e := range got[name].Entries {
				names = append(names, e.What)
				// A few bits end the arithmetic code, or are saved where it happens to end in
				// zeros; the probabilities are those that were coded with.
				if e.What == "coder overhead" && (e.Bits.Float() < -8 || e.Bits.Float() > 40) {
					t.Errorf("%d bytes: %s: overhead of %v bits", len(data), name, e.Bits.Float())
				}
			}
			if strings.Join(names, " ") != parts {
				t.Errorf("%d bytes: %s consists of %v", len(data), name, names)
			}
		}
		if l := got["raw"]; l == nil || l.Total() != ledger.Bytes(int64(len(data))) {
			t.Errorf("%d bytes: raw is %+v", len(data), l)
		}
		with, without := got["kolm -5, model counted"], got["kolm -5, model not counted"]
		if with.Total()-without.Total() != ledger.Bytes(int64(len(in.ModelFile))) || without.Sum(ledger.Model) != 0 {
			t.Errorf("%d bytes: the model counts %v", len(data), with.Total()-without.Total())
		}
		if len(data) == len(text) && got["kolm -1"].Total() >= got["kt order 0"].Total() {
			t.Error("contexts do not pay on a text that repeats")
		}
	}
}

// TestPeers runs what is installed; xz and zstd are libraries where they are not.
func TestPeers(t *testing.T) {
	if testing.Short() {
		t.Skip("short: starts many processes, as the run without -short does")
	}
	data := []byte(strings.Repeat("a peer among peers; ", 100))
	var names []string
	for _, c := range peers() {
		names = append(names, c.Name)
	}
	all := strings.Join(names, ",")
	for _, want := range []string{"gzip", "xz", "zstd"} {
		if !strings.Contains(all, want) {
			t.Errorf("%s is missing in %s", want, all)
		}
	}
	for name, l := range rows(t, all, input(t, data)) {
		if !l.Decoded || l.Total() <= 0 || l.Total() >= ledger.Bytes(int64(len(data))) && !strings.HasPrefix(name, "zpaq") {
			t.Errorf("%s: %+v", name, l)
		}
	}
	if _, err := exec.LookPath("7z"); err == nil && len(rows(t, "7z", input(t, data))) != 2 {
		t.Error("7z has two settings")
	}
}

func TestChoose(t *testing.T) {
	if _, err := Choose("raw,nothing"); err == nil || !strings.Contains(err.Error(), `"nothing"`) {
		t.Errorf("error %v", err)
	}
	if list, err := Choose("all"); err != nil || len(list) != len(All()) {
		t.Errorf("%d codes of %d, error %v", len(list), len(All()), err)
	}
}

func TestStatic(t *testing.T) {
	file := func(bytes int64) *ledger.Ledger {
		l := &ledger.Ledger{}
		l.Add(ledger.Data, "file", ledger.Bytes(bytes))
		return l
	}
	same := Static([]*ledger.Ledger{file(10), file(10), file(10), file(10)})
	if same.Total() != ledger.Bytes(10) || same.Decoded {
		t.Errorf("four codes of 80 bits: %v", same.Total().Float())
	}
	if got := Static([]*ledger.Ledger{file(10), file(1000), file(2000), file(3000)}).Total(); got != ledger.Bytes(10)+2*ledger.Bit {
		t.Errorf("one of four codes of 80 bits: %v", got.Float())
	}
}

// TestBitsBack: the net length is what the weights that were chosen cost under the
// prior, less what choosing them took, and what the data costs under them.
func TestBitsBack(t *testing.T) {
	text := []byte(strings.Repeat("bits that come back are not paid for. ", 8))
	for _, data := range [][]byte{{}, {9}, text} {
		for _, l := range rows(t, "bits-back", input(t, data)) {
			e := l.Entries
			if !l.Decoded || len(e) != 3 || math.Abs(e[2].Bits.Float()) > .05 {
				t.Errorf("%d bytes: %+v", len(data), l)
			}
		}
	}
}

// TestPrequential: no bits of the model, and entries that are the file.
func TestPrequential(t *testing.T) {
	for _, data := range [][]byte{{}, {9}, []byte(strings.Repeat("learn and tell; ", 12))} {
		for name, l := range rows(t, "prequential", input(t, data)) {
			if !l.Decoded || l.Sum(ledger.Model) != 0 || l.Total()%ledger.Bytes(1) != 0 || len(l.Entries) != 3 {
				t.Errorf("%d bytes: %s: %+v", len(data), name, l)
			}
		}
	}
}

// TestTrained trains a small model for a moment: files in four precisions, whose
// entries are theirs exactly, and the variational code beside them.
func TestTrained(t *testing.T) {
	if testing.Short() {
		t.Skip("short: trains a model, as the run without -short does")
	}
	r := rand.New(rand.NewPCG(1, 1))
	words := strings.Fields("a model pays for itself where data is long and like itself enough to be told by it")
	var b strings.Builder
	for b.Len() < 24_000 {
		b.WriteString(words[r.IntN(len(words))] + " ")
	}
	in := input(t, []byte(b.String()))
	in.Budget, in.Threads, in.Seed = time.Second, 2, 1
	got := rows(t, "two-part,variational", in)
	if len(got) != 5 {
		t.Fatalf("%d rows", len(got))
	}
	for name, l := range got {
		if l.Decoded != (name != "variational") {
			t.Errorf("%s: decoded is %v", name, l.Decoded)
		}
	}
	best := got["two-part, coded"]
	if best.Close(int64(len(in.Archive))) != nil || best.Total() > got["two-part, int8"].Total() {
		t.Errorf("coded: %+v", best)
	}
	back, err := twopart.Decode(in.Archive, 1)
	if err != nil || string(back) != b.String() {
		t.Errorf("the archive did not come back: %v", err)
	}
}

func TestUnfit(t *testing.T) {
	chosen, err := Choose("ctw")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := chosen[0].Run(context.Background(), &Input{Data: make([]byte, 17<<20)}); !errors.Is(err, ErrUnfit) {
		t.Errorf("context trees of 17 MiB: %v", err)
	}
}
