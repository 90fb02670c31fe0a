package score

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func result(blocks []Block) *Result {
	return &Result{Sum: Total(blocks), Blocks: blocks, Unit: 64, Bytes: int64(64 * len(blocks))}
}

func rate(b *Block) float64 { return b.BitsPerByte() }

// TestBootstrap checks that intervals hold the true rate about as often as they say,
// also where neighbouring tokens are alike.
func TestBootstrap(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	const unit, units, texts = 64, 4000, 150
	if testing.Short() {
		t.Skip("draws 60 million blocks")
	}
	held := 0
	for text := range texts {
		blocks := make([]Block, units)
		level := 0.0
		for i := range blocks {
			level = 0.8*level + 0.6*rng.NormFloat64() // of variance 1
			blocks[i] = Block{Bytes: unit, Tokens: 16, Bits: unit * (2 + level)}
		}
		i := Bootstrap([]*Result{result(blocks)}, uint64(text), rate)[0]
		if i.Low < 2 && 2 < i.High {
			held++
		}
	}
	if held < texts*88/100 || held == texts {
		t.Errorf("%d of %d intervals hold the rate, want about 95 %%", held, texts)
	}
}

func TestBootstrapEdges(t *testing.T) {
	even := make([]Block, 400)
	for i := range even {
		even[i] = Block{Bytes: 64, Tokens: 10, Bits: 128, OtherBits: 192}
	}
	for _, i := range Bootstrap([]*Result{result(even[:200]), result(even[200:])}, 7, rate, (*Block).Difference) {
		if i.Blocks == 0 || math.Abs(i.High-i.Low) > 1e-12 {
			t.Errorf("interval of a constant: %+v", i)
		}
	}
	if i := Bootstrap([]*Result{result(even[:20])}, 7, rate)[0]; i.Blocks != 0 {
		t.Errorf("an interval of 5 blocks: %+v", i)
	}
	if i := Bootstrap(nil, 7, rate)[0]; i != (Interval{}) {
		t.Errorf("an interval of nothing: %+v", i)
	}
	uneven := append([]Block{}, even...)
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range uneven {
		uneven[i].Bits = rng.Float64()
	}
	a, b := Bootstrap([]*Result{result(uneven)}, 7, rate)[0], Bootstrap([]*Result{result(uneven)}, 7, rate)[0]
	if a != b || a == Bootstrap([]*Result{result(uneven)}, 8, rate)[0] {
		t.Error("the seed does not decide")
	}
	if i := Means([]float64{1, 2, 3, 4, 5, 6, 7, 8}, 1); !(i.Low > 2 && i.Low < 4.5 && i.High > 4.5 && i.High < 7) {
		t.Errorf("mean of 1 to 8: %+v", i)
	}
	if i := Means([]float64{1, 2}, 1); i.Blocks != 0 {
		t.Errorf("mean of two: %+v", i)
	}
}

// TestJoin: no block is of fewer than 256 bytes of text, and none of them is lost.
func TestJoin(t *testing.T) {
	for _, c := range []struct {
		texts []int // bytes
		want  []int64
	}{
		{[]int{2048}, []int64{256, 256, 256, 256, 256, 256, 256, 256}},
		{[]int{2049}, []int64{256, 256, 256, 256, 256, 256, 256, 257}},
		{[]int{511, 512}, []int64{511, 256, 256}},
		{[]int{1, 1, 1, 1, 1, 1, 1, 1}, nil},
		{[]int{100, 100, 300, 100, 100, 1}, []int64{300, 401}},
		{[]int{300, 255}, []int64{555}},
		{[]int{0}, nil},
		{[]int{200, 56, 0}, []int64{256}},
	} {
		var texts []*Result
		for _, n := range c.texts {
			blocks := make([]Block, (n+63)/64)
			for i := range n {
				blocks[i/64].Bytes++
			}
			r := result(blocks)
			r.Bytes = int64(n)
			texts = append(texts, r)
		}
		var got []int64
		for _, b := range join(texts) {
			got = append(got, b.Bytes)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("texts of %v bytes make blocks of %v, want %v", c.texts, got, c.want)
		}
	}
}

func TestUnit(t *testing.T) {
	for bytes, want := range map[int]int{0: 64, 1: 64, 1 << 20: 64, 1<<20 + 1: 128, 1 << 30: 1 << 16} {
		if got := unitOf(bytes); got != want {
			t.Errorf("unit of %d bytes is %d, want %d", bytes, got, want)
		}
	}
}
