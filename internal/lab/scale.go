package lab

import (
	"fmt"

	"kolm"
	"kolm/internal/lm"
	"kolm/internal/score"
	"kolm/internal/vocab"
)

var scale = Experiment{
	Name:     "scale",
	Question: "is a language model a thousandfold compression of what it was trained on?",
	Criterion: "ratios, capacities and break-even sizes follow from figures with a source, to their printed digits; " +
		"for a model and text that are given: what is packed decodes",
	run: runScale,
}

// ScaleInput is a model, and a text to measure it on, of the user's own.
type ScaleInput struct {
	Name       string       // of the model; empty: none was given
	Model      *kolm.Model  // to pack with; nil: kolm can not, the model is only scored
	Scored     *ScoredModel // nil: the model is only packed with
	FileBytes  int64
	Parameters int64
	TextName   string
	Text       []byte
}

// known is a published model: what it was trained on and how large it is.
type known struct {
	name       string
	parameters float64
	tokens     float64 // trained on
	text       float64 // bytes of text: of the corpus, or tokens at bytesPerToken
	file       float64 // at two bytes a parameter
	ratio      float64 // text over file, golden
	source     string
}

const (
	terabyte = 1e12
	gigabyte = 1e9
	// Estimate, to turn tokens into bytes where no size is published.
	bytesPerToken = 4
)

var knownModels = []known{
	{"GPT-3 175B", 175e9, 300e9, 570 * gigabyte, 350 * gigabyte, 1.6,
		"Brown et al. 2020, 2.2: filtered CommonCrawl 570 GB, about 400e9 tokens (45 TB is compressed, before filtering); trained on 300e9 tokens"},
	{"Llama 3 8B", 8e9, 15.6e12, 15.6e12 * bytesPerToken, 16 * gigabyte, 3900, "Llama team 2024: 15.6e12 tokens for the herd; bytes at 4 a token, an estimate"},
	{"Llama 3 70B", 70e9, 15.6e12, 15.6e12 * bytesPerToken, 140 * gigabyte, 446, "as above"},
	{"Llama 3 405B", 405e9, 15.6e12, 15.6e12 * bytesPerToken, 810 * gigabyte, 77, "as above"},
}

func runScale(r *run) error {
	t := r.table("Text and weights. Raw bytes of text over bytes of weights is not a compression ratio: nothing gives the text back.",
		"model", "parameters", "tokens", "text, TB", "file, GB", "text / file", "file bits a byte of text", "tokens from")
	for _, k := range knownModels {
		ratio := k.text / k.file
		t.row(k.name, k.parameters, k.tokens, k.text/terabyte, k.file/gigabyte, ratio, 8*k.file/k.text, k.source)
		r.near(k.name+": text / file", ratio, k.ratio, .005*k.ratio+.03)
	}
	r.bars("ratio", "bytes of text over bytes of weights", "times", t, t.Rows, 0, 5)
	information(r)
	breakEven(r)
	if r.config.Scale.Name == "" {
		r.note("Give a model and a text to measure: kolm lab scale -m MODEL --text FILE (the built-in model without -m).")
		return nil
	}
	return ownModel(r)
}

// information compares bits with bits.
func information(r *run) {
	const perByte, capacity = .667, 3.6
	t := r.table("In bits: what the text holds at .667 bit a byte (Chinchilla 70B on pile_cc, Delétang et al. 2024), and what weights can memorise at 3.6 bits a parameter (Morris et al. 2025).",
		"model", "information in the text, TB", "most memorised, GB", "information / memorised")
	golden := map[string]float64{"Llama 3 8B": 3.6, "Llama 3 70B": 31.5, "GPT-3 175B": 79}
	for _, k := range knownModels {
		info, memory := k.text*perByte/8, k.parameters*capacity/8
		t.row(k.name, info/terabyte, memory/gigabyte, info/memory)
		if want, ok := golden[k.name]; ok {
			r.near(k.name+": most memorised, GB", memory/gigabyte, want, .3)
		}
	}
	llama := knownModels[1]
	r.near("information in 62 TB of text, TB", llama.text*perByte/8/terabyte, 5.2, .05)
}

// breakEven is the length of text from which on a model pays for its own weights.
func breakEven(r *run) {
	// Chinchilla 70B makes 1e9 bytes of Wikipedia 8.3 % of their size: with 140 GB
	// of weights 14008.3 %.
	const weights, alone = 140 * gigabyte, .083
	t := r.table("Chinchilla 70B, 140 GB of weights, on Wikipedia (enwik9): from how much text on it is shorter, weights included.",
		"against", "share of the raw size", "break-even, GB", "share from")
	r.near("adjusted rate on 1 GB, %", 100*(weights/gigabyte+alone), 14008.3, .05)
	for _, c := range []struct {
		name        string
		share, want float64
		tolerance   float64
		shareFrom   string
	}{
		{"raw text", 1, 153, .5, ""},
		{"zip", .322592222, 584, 1, "enwik9.zip, 322,592,222 bytes (Mahoney, About the Test Data)"},
		{"nncp 3.2", .107261318, 5770, 30, "107,261,318 bytes with decoder (Large Text Compression Benchmark)"},
	} {
		size := weights / (c.share - alone) / gigabyte
		t.row(c.name, c.share, size, c.shareFrom)
		r.near("break-even against "+c.name+", GB", size, c.want, c.tolerance)
	}
	r.note("Rates of Chinchilla: Delétang et al. 2024: 8.3 %% raw and 14008.3 %% with the weights.")
}

// ownModel measures the model that was given on the text that was given: by the
// file that kolm makes with it where it can, else by the bits that it computes.
func ownModel(r *run) error {
	in := r.config.Scale
	r.input(in.TextName, in.Text)
	n := float64(len(in.Text))
	if n == 0 {
		return fmt.Errorf("%s: is empty, there is nothing to measure", in.TextName)
	}
	m := r.table(fmt.Sprintf("%s on %s, %d bytes. Decoded: a file by kolm -5 with the model; computed: the model alone, no file.", in.Name, in.TextName, len(in.Text)),
		"parameters", "model file, bytes", "coded, bytes", "length", "bits a byte", "with the model", "capacity at 3.6 bits a parameter, bytes")
	var best float64
	row := func(size float64, how string) {
		m.row(in.Parameters, in.FileBytes, size, how, 8*size/n, 8*(size+float64(in.FileBytes))/n, float64(in.Parameters)*3.6/8)
		if best == 0 || how == "decoded" {
			best = size
		}
	}
	if in.Scored != nil {
		bits, err := in.Scored.bits(in.Text)
		if err != nil {
			return err
		}
		row(bits/8, "computed")
		r.atLeast("bits computed", bits, 0)
	}
	if in.Model != nil {
		size, err := pack(in.Text, kolm.WithLevel(5), kolm.WithModel(in.Model))
		if err != nil {
			return err
		}
		row(float64(size), "decoded")
		r.atMost("packed, of the raw size (stored at worst)", float64(size)/n, 1+64/n)
	}
	t := r.table("Break-even: from how much text of this kind on the model's code is shorter, the model included.", "against", "bytes", "bits a byte", "break-even, MB")
	for _, c := range append(fileCodes(), fileCode{"raw", func(b []byte) (int, error) { return len(b), nil }}) {
		if c.name == "kolm -5" {
			continue
		}
		other, err := c.size(in.Text)
		if err != nil {
			return err
		}
		var even any = "never"
		if float64(other) > best {
			even = float64(in.FileBytes) / ((float64(other) - best) / n) / 1e6
		}
		t.row(c.name, other, 8*float64(other)/n, even)
	}
	return nil
}

// ScoredModel is a model of any architecture with its tokenizer.
type ScoredModel struct {
	*lm.Model
	Tok *vocab.Tokenizer
}

// bits is what a text costs, each token once with at least half a context before it.
func (m *ScoredModel) bits(text []byte) (float64, error) {
	context := min(m.Config.Context, 2048)
	rule, err := score.Every(m.Tok, context, (context+1)/2)
	if err != nil {
		return 0, err
	}
	encoded, err := score.Encode(m.Tok, text)
	if err != nil {
		return 0, err
	}
	got, err := (&score.Run{Rule: rule, Model: m.Model}).Score(encoded)
	if err != nil {
		return 0, err
	}
	return got.Sum.Bits, nil
}
