package codec

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"kolm/internal/coder"
)

// kinds are inputs of many kinds, made by rule.
func kinds() map[string][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	random := make([]byte, 20000)
	for i := range random {
		random[i] = byte(r.Uint32())
	}
	var prose, log, table bytes.Buffer
	words := strings.Fields("the a of house river morning walked slowly and then saw nothing but old stones under grey light")
	for prose.Len() < 20000 {
		prose.WriteString(words[r.IntN(len(words))])
		prose.WriteString([]string{" ", " ", " ", " ", ", ", ". ", ".\n"}[r.IntN(7)])
	}
	for i := range 300 {
		fmt.Fprintf(&log, "2024-05-%02d 10:%02d:%02d INFO worker-%d finished job %d in %d ms\n", i/100+1, i/60%60, i%60, r.IntN(8), 1000+i, r.IntN(900))
		fmt.Fprintf(&table, "%d,%d.%02d,%s\r\n", i, r.IntN(500), r.IntN(100), []string{"red", "green", "blue"}[r.IntN(3)])
	}
	return map[string][]byte{
		"empty":   {},
		"one":     {0},
		"two":     {255, 0},
		"zeros":   make([]byte, 30000),
		"random":  random,
		"prose":   prose.Bytes(),
		"log":     log.Bytes(),
		"table":   table.Bytes(),
		"chinese": bytes.Repeat([]byte("學而時習之,不亦說乎?有朋自遠方來,不亦樂乎?"), 50),
		"broken":  bytes.Repeat([]byte("\xe5\x80a\xff\xc0\x80\xf0\x9f\x98 \n"), 99),
		"json":    bytes.Repeat([]byte(`{"id": 17, "tags": ["a", "b"], "user": {"name": "x y"}},`+"\n"), 60),
	}
}

func TestContextsRoundTrip(t *testing.T) {
	c := NewContextCoder()
	for name, src := range kinds() {
		payload := c.Encode([]byte("head"), src)
		if !bytes.HasPrefix(payload, []byte("head")) {
			t.Fatalf("%s: Encode does not append", name)
		}
		payload = payload[4:]
		dst := make([]byte, len(src))
		if err := c.Decode(dst, payload); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !bytes.Equal(dst, src) {
			t.Errorf("%s: does not come back", name)
		}
		if limit := len(src) + len(src)/40 + 16; len(payload) > limit {
			t.Errorf("%s: %d bytes became %d", name, len(src), len(payload))
		}
	}
}

// TestContextsGolden pins what the encoder writes, on every architecture. It
// may change only with the version of the format.
func TestContextsGolden(t *testing.T) {
	want := map[string]string{
		"broken":       "13 ae968ca4f36e",
		"chinese":      "47 4f480ec8536a",
		"empty":        "1 d1211001882d",
		"json":         "45 2027fbab28fb",
		"log":          "662 4bb50d4050e6",
		"one":          "2 7434c1881504",
		"prose":        "2653 577a76852bda",
		"random":       "20036 612bd4562fab",
		"rich broken":  "13 988a35215ef2",
		"rich chinese": "46 71057a425a92",
		"rich empty":   "1 4f362f9093bb",
		"rich json":    "43 bf3f16b18894",
		"rich log":     "648 a6c4bb141c76",
		"rich one":     "2 4b65a7b8adc2",
		"rich prose":   "2649 eb34420a9d30",
		"rich random":  "20035 54b300691eb8",
		"rich table":   "825 0c768fdbaca0",
		"rich two":     "3 4625da3a481c",
		"rich zeros":   "2 ac6c4ec92cc2",
		"table":        "871 aade0979c89c",
		"two":          "3 964f81a23024",
		"zeros":        "2 0119ed0a3f7b",
	}
	c := NewContextCoder()
	for name, src := range kinds() {
		for _, rich := range []bool{false, true} {
			if rich {
				name = "rich " + name
			}
			payload := c.encodeAs(nil, src, Mode{Rich: rich})
			sum := sha256.Sum256(payload)
			if got := fmt.Sprintf("%d %s", len(payload), hex.EncodeToString(sum[:6])); got != want[name] {
				t.Errorf("%q: %q, want %q", name, got, want[name])
			}
			dst := make([]byte, len(src))
			if err := c.Decode(dst, payload); err != nil || !bytes.Equal(dst, src) {
				t.Errorf("%s: does not come back: %v", name, err)
			}
		}
	}
}

// TestStructured requires further contexts for what has structure, and that they
// gain there.
func TestStructured(t *testing.T) {
	for name, src := range kinds() {
		want := name == "log" || name == "table" || name == "json" || name == "zeros" || name == "random"
		if got := structured(src); got != want {
			t.Errorf("%s: structured is %v", name, got)
		}
	}
	c := NewContextCoder()
	src := table(60000)
	plain, rich := len(c.encodeAs(nil, src, Mode{})), len(c.encodeAs(nil, src, Mode{Rich: true}))
	if rich >= plain {
		t.Errorf("a table takes %d bytes, %d with the contexts of structured text", plain, rich)
	}
}

func TestContextsLongRun(t *testing.T) {
	src := bytes.Repeat([]byte("x"), 100000)
	if n := len(NewContextCoder().Encode(nil, src)); n*8 > len(src)/50 {
		t.Errorf("a run of %d bytes takes %d bytes, want at most 0.02 bits a byte", len(src), n)
	}
}

func TestContextsDamage(t *testing.T) {
	c := NewContextCoder()
	src := kinds()["random"]
	payload := c.Encode(nil, src)
	dst := make([]byte, len(src))
	for name, bad := range map[string][]byte{
		"cut off":   payload[:len(payload)-40],
		"continued": append(bytes.Clone(payload), bytes.Repeat([]byte("more"), 9)...),
	} {
		if err := c.Decode(dst, bad); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: error %v, want ErrCorrupt", name, err)
		}
	}
}

func FuzzContextsDecode(f *testing.F) {
	c := NewContextCoder()
	for _, src := range kinds() {
		payload := c.Encode(nil, src)
		f.Add(payload[:min(len(payload), 300)], uint16(min(len(src), 2000)))
	}
	f.Fuzz(func(t *testing.T, payload []byte, n uint16) {
		dst := make([]byte, n%4096)
		if c.Decode(dst, payload) != nil {
			return
		}
		again := make([]byte, len(dst))
		if err := c.Decode(again, c.Encode(nil, dst)); err != nil || !bytes.Equal(dst, again) {
			t.Errorf("what was decoded does not round-trip: %v", err)
		}
	})
}

func TestIncompressible(t *testing.T) {
	for name, src := range kinds() {
		if got := Incompressible(src); got != (name == "random") {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// twoStreams codes text as two streams that take turns, with opinions made by
// rule, some decisions left out and a mark after every third byte. With a
// decoder it decodes, with an encoder it encodes.
func twoStreams(p *Predictor, text []byte, enc *coder.Encoder, dec *coder.Decoder) []byte {
	code := func(pr uint32, bit int) int {
		if enc != nil {
			enc.Encode(bit, pr)
			return bit
		}
		return dec.Decode(pr)
	}
	out := make([]byte, len(text))
	p.Reset(len(text), Mode{LM: true, Rich: true})
	var cursors [2]Cursor
	half := len(text) / 2
	p.Start(&cursors[0], 0)
	p.Start(&cursors[1], half)
	for i := range half {
		for k := range cursors {
			c := &cursors[k]
			pos := k*half + i
			p.Begin(c)
			node := 1
			for d := range 8 {
				bit := int(text[pos]) >> (7 - d) & 1
				if d > 0 || i%4 != 0 { // the first bit is known at times
					lm := &Opinion{Static: int32(100*(i%7) - 300), Adapted: int32(40 * d), Confidence: i % Confidences, Depth: d}
					if i%11 == 0 {
						lm = nil
					}
					bit = code(p.P(node, lm), bit)
					p.Update(bit)
				}
				node = node<<1 | bit
			}
			out[pos] = byte(node)
			p.End(c, byte(node))
			ends := 0
			if i%3 == 0 {
				ends = 1
			}
			if i%5 != 0 {
				ends = code(p.PEnd(c, &Opinion{Static: 50, Confidence: 3}), ends)
				p.UpdateEnd(ends)
			}
			p.Mark(c, ends == 1)
		}
	}
	return out
}

func TestPredictorStreams(t *testing.T) {
	text := kinds()["prose"][:6000]
	p := NewPredictor()
	enc := coder.NewEncoder(nil)
	twoStreams(p, text, enc, nil)
	payload := enc.Flush()
	if len(payload) > len(text)/2 {
		t.Errorf("%d bytes became %d", len(text), len(payload))
	}
	if got := twoStreams(p, text, nil, coder.NewDecoder(payload)); !bytes.Equal(got, text) {
		t.Error("streams do not come back")
	}
	// A predictor that served a model serves contexts alone as a new one does.
	old := (&ContextCoder{p: p}).Encode(nil, text)
	if !bytes.Equal(old, NewContextCoder().Encode(nil, text)) {
		t.Error("a used predictor gives another payload than a new one")
	}
}

func BenchmarkContexts(b *testing.B) {
	src := bytes.Repeat(kinds()["prose"], 5)
	c := NewContextCoder()
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		c.Encode(nil, src)
	}
}
