package model_test

import (
	"math"
	"os"
	"strings"
	"testing"

	"kolm/internal/kernel"
	"kolm/internal/model"
	"kolm/internal/modelfile"
	"kolm/internal/token"
)

// The tests of this file measure a trained model on text:
//
//	KOLM_TEST_MODEL=model.gguf KOLM_TEST_TEXT=a.txt,b.txt go test -v -run Cost ./internal/model

const costWindow = 256

// trained returns the model named by the environment, its weights in float32 as
// they were before rows had one scale, and the texts in tokens.
func trained(t *testing.T) (f *modelfile.File, float *model.Weights, texts [][]int32, bytes int) {
	t.Helper()
	path, list := os.Getenv("KOLM_TEST_MODEL"), os.Getenv("KOLM_TEST_TEXT")
	if path == "" || list == "" {
		t.Skip("no trained model and text: set KOLM_TEST_MODEL and KOLM_TEST_TEXT")
	}
	data := read(t, path)
	f, err := modelfile.Load(data)
	if err != nil {
		t.Fatal(err)
	}
	f.Config.Window = costWindow
	tok, err := f.Tokenizer()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range strings.Split(list, ",") {
		b := read(t, name)
		texts, bytes = append(texts, encode(tok, b)), bytes+len(b)
	}
	return f, floats(t, f, data), texts, bytes
}

func read(t *testing.T, name string) []byte {
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func encode(tok *token.Tokenizer, b []byte) (out []int32) {
	for _, id := range tok.Encode(nil, b) {
		out = append(out, int32(id))
	}
	return out
}

// floats replaces every matrix of the file's weights by its widened numbers.
func floats(t *testing.T, f *modelfile.File, data []byte) *model.Weights {
	g, err := modelfile.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	numbers := make(map[string][]float32)
	for i := range g.Tensors {
		x, err := g.Tensors[i].Floats()
		if err != nil {
			t.Fatal(err)
		}
		numbers[g.Tensors[i].Name] = x
	}
	w := *f.Weights
	w.Layers = append([]model.Layer(nil), w.Layers...)
	widen := func(m *model.Matrix, name string) {
		*m = model.Matrix{Rows: m.Rows, Cols: m.Cols, F: numbers[name]}
	}
	widen(&w.Embed, "token_embd.weight")
	widen(&w.Output, "output.weight")
	for i := range w.Layers {
		l, blk := &w.Layers[i], "blk."+string(rune('0'+i))+"."
		for name, m := range map[string]*model.Matrix{"attn_q": &l.Q, "attn_k": &l.K, "attn_v": &l.V,
			"attn_output": &l.O, "ffn_gate": &l.Gate, "ffn_up": &l.Up, "ffn_down": &l.Down} {
			widen(m, blk+name+".weight")
		}
	}
	if err := w.Validate(f.Config); err != nil {
		t.Fatal(err)
	}
	return &w
}

// nll is the code length of token y under logits, in bits.
func nll[T float32 | float64](logits []T, y int32) float64 {
	top, sum := math.Inf(-1), 0.0
	for _, l := range logits {
		top = max(top, float64(l))
	}
	for _, l := range logits {
		sum += math.Exp(float64(l) - top)
	}
	return (top + math.Log(sum) - float64(logits[y])) / math.Ln2
}

// windows cuts the texts into windows that begin with the separator.
func windows(f *modelfile.File, texts [][]int32) (out [][]int32) {
	for _, text := range texts {
		for len(text) > 0 {
			n := min(len(text), costWindow)
			out = append(out, append([]int32{int32(f.Separator)}, text[:n]...))
			text = text[n:]
		}
	}
	return out
}

// TestCostOfRounding says what each rounding costs, in bits a token, against
// the textbook in float64.
func TestCostOfRounding(t *testing.T) {
	f, float, texts, bytes := trained(t)
	list := windows(f, texts)
	n := 0
	for _, w := range list {
		n += len(w) - 1
	}
	t.Logf("%d bytes, %d tokens in %d windows", bytes, n, len(list))

	textbook := func(w *model.Weights, opt rounding) float64 {
		sum := 0.0
		for _, text := range list {
			r := newReference(f.Config, w, opt)
			for i, token := range text[:len(text)-1] {
				sum += nll(r.mul(&w.Output, r.step(token)), text[i+1])
			}
		}
		return sum / float64(n)
	}
	base := textbook(float, rounding{})
	show := func(name string, v float64) { t.Logf("%-44s %.5f  %+.3f %%", name, v, 100*(v/base-1)) }
	show("float64", base)
	show("rows int8", textbook(f.Weights, rounding{}))
	show("activations int8", textbook(float, rounding{acts: true}))
	show("keys and queries int8", textbook(float, rounding{keys: true}))
	show("values int8", textbook(float, rounding{values: true}))
	show("probabilities 8 bits", textbook(float, rounding{probs: 255}))
	show("probabilities 16 bits", textbook(float, rounding{probs: 65535}))
	show("all, probabilities 8 bits", textbook(f.Weights, rounding{true, true, true, 255}))
	show("all, probabilities 16 bits", textbook(f.Weights, rounding{true, true, true, 65535}))
	m := newModel(t, f.Config, f.Weights)
	sum := 0.0
	for _, text := range list {
		sum += bits(m, text)
	}
	show("Forward", sum/float64(n))
}

// bits is the code length of text[1:] by the real path, from an empty state.
func bits(m *model.Model, text []int32) (sum float64) {
	s, head := m.NewState(1), m.NewAdaptiveHead(nil)
	h, logits := make([]float32, m.Config().Dim), make([]float32, m.Config().Vocab)
	for i, token := range text[:len(text)-1] {
		m.Forward(s, []model.Row{{Token: token}}, h)
		head.Logits(logits, h, 1)
		sum += nll(logits, text[i+1])
	}
	return sum
}

// TestCostOfSliding compares a window that slides, positions running on, with
// windows that begin anew and overlap by half, and with no overlap.
func TestCostOfSliding(t *testing.T) {
	f, _, texts, bytes := trained(t)
	m := newModel(t, f.Config, f.Weights)
	t.Logf("%s: %d bytes", kernel.Active(), bytes)
	for _, way := range []struct {
		name          string
		restart, back int
	}{
		{"slides", math.MaxInt, 0},
		{"begins anew, overlap 3/4", costWindow, costWindow * 3 / 4},
		{"begins anew, overlap 1/2", costWindow, costWindow / 2},
		{"begins anew, no overlap", costWindow, 0},
	} {
		sum, n := 0.0, 0
		for _, text := range texts {
			text = append([]int32{int32(f.Separator)}, text...)
			sum += restarting(m, text, way.restart, way.back)
			n += len(text) - 1
		}
		t.Logf("%-26s %.5f bits a token, %d tokens", way.name, sum/float64(n), n)
	}
}

// restarting is the code length of text[1:] where the state is emptied after
// restart tokens and fed the last back tokens again.
func restarting(m *model.Model, text []int32, restart, back int) (sum float64) {
	s, head := m.NewState(1), m.NewAdaptiveHead(nil)
	h, logits := make([]float32, m.Config().Dim), make([]float32, m.Config().Vocab)
	pos := 0
	for i, token := range text[:len(text)-1] {
		if pos == restart {
			s.Reset(0)
			for _, old := range text[i-back : i] {
				m.Forward(s, []model.Row{{Token: old}}, h)
			}
			pos = back
		}
		m.Forward(s, []model.Row{{Token: token}}, h)
		pos++
		head.Logits(logits, h, 1)
		sum += nll(logits, text[i+1])
	}
	return sum
}
