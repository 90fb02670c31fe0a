package lmfile

import (
	"flag"
	"math"
	"os"
	"testing"

	"kolm/internal/builtin"
	"kolm/internal/lm"
	"kolm/internal/model"
	"kolm/internal/modelfile"
	"kolm/internal/vocab"
)

var (
	finestFlag = flag.String("finest", "", "a GGUF file of the built-in model's weights before they were rounded to int8: measure what rounding them costs")
	heldFlag   = flag.String("held", "", "the text that TestInt8Loss measures on, instead of a page of the documentation")
)

// TestInt8Loss measures what int8 costs the built-in model in bits of a text: its
// products of int8 weights and activations in the coding path, its weights alone,
// and, if there are weights from before rounding, rounding them. The contexts are
// the same: windows that begin with the separator and have nothing before.
func TestInt8Loss(t *testing.T) {
	if testing.Short() {
		t.Skip("short: the built-in model is large for an emulated CPU")
	}
	text, err := os.ReadFile("../../doc/format.md")
	text = text[:min(len(text), 3000)]
	if *heldFlag != "" {
		text, err = os.ReadFile(*heldFlag)
	}
	if err != nil || len(text) < 1000 {
		t.Fatalf("%d bytes of text: %v", len(text), err)
	}
	k, err := modelfile.Load(builtin.Default.File())
	if err != nil {
		t.Fatal(err)
	}
	g, err := modelfile.Parse(builtin.Default.File())
	if err != nil {
		t.Fatal(err)
	}
	tok, err := vocab.ParseGGUF(g)
	if err != nil {
		t.Fatal(err)
	}
	ids, err := tok.EncodeExact(text)
	if err != nil {
		t.Fatal(err)
	}
	windows := cutWindows(ids, int32(k.Separator), k.Config.Window)
	whole, err := model.New(k.Config, k.Weights)
	if err != nil {
		t.Fatal(err)
	}
	int8s := int8Bits(whole, windows)
	floats := floatBits(t, open(t, "kolm.gguf", builtin.Default.File()).Model, windows)
	perByte := func(bits float64) float64 { return bits / float64(len(text)) }
	t.Logf("%d bytes, %d tokens; int8 products %.5f bits/byte, float32 products of the same weights %.5f: %+.3f %%",
		len(text), len(ids), perByte(int8s), perByte(floats), 100*(int8s/floats-1))
	if loss := int8s/floats - 1; math.Abs(loss) > .005 {
		t.Errorf("int8 products cost %.2f %% of the bits", 100*loss)
	}
	if *finestFlag == "" {
		return
	}
	finest := floatBits(t, openPath(t, *finestFlag).Model, windows)
	t.Logf("float32 weights and products %.5f bits/byte; int8 weights cost %+.3f %%, int8 weights and products %+.3f %%",
		perByte(finest), 100*(floats/finest-1), 100*(int8s/finest-1))
}

// cutWindows cuts tokens into windows of n, the separator before each included.
func cutWindows(ids []int32, separator int32, n int) (windows [][]int32) {
	for len(ids) > 0 {
		take := min(n-1, len(ids))
		windows = append(windows, append([]int32{separator}, ids[:take]...))
		ids = ids[take:]
	}
	return windows
}

// int8Bits is what the tokens cost as the coding path computes them, without
// contexts and adaptation.
func int8Bits(m *model.Model, windows [][]int32) (bits float64) {
	c, head, s := m.Config(), m.NewAdaptiveHead(nil), m.NewState(1)
	for _, w := range windows {
		s.Reset(0)
		rows := make([]model.Row, len(w)-1)
		for i := range rows {
			rows[i].Token = w[i]
		}
		hidden, out := make([]float32, len(rows)*c.Dim), make([]float32, len(rows)*c.Vocab)
		m.Forward(s, rows, hidden)
		head.Logits(out, hidden, len(rows))
		bits += cost(out, w[1:], c.Vocab)
	}
	return bits
}

func floatBits(t *testing.T, m *lm.Model, windows [][]int32) (bits float64) {
	t.Helper()
	for _, w := range windows {
		bits += cost(logits(t, m, w[:len(w)-1], len(w)), w[1:], m.Config.Vocab)
	}
	return bits
}

// cost is -log2 of the probability of tokens under logits (len(tokens), vocab).
func cost(logits []float32, tokens []int32, vocab int) (bits float64) {
	for i, id := range tokens {
		bits += nats(logits[i*vocab:][:vocab], id) / math.Ln2
	}
	return bits
}
