package lab

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"kolm/internal/chart"
	"kolm/internal/memory"
)

var exposure = Experiment{
	Name:     "exposure",
	Question: "does a model give away what it read once?",
	Criterion: "secrets that were not in the text have the exposure of a guess, log2 e less a little, within three standard errors; " +
		"the more often a secret was read the more it is exposed: nowhere half a bit less than after fewer readings, and the most read at least 8 bits of 9.97",
	run: runExposure,
}

// secrets is how many there could be: three digits.
const secrets = 1000

func runExposure(r *run) error {
	b, _, err := r.biographer()
	if err != nil {
		return err
	}
	guess := 0.0
	for rank := range secrets {
		guess += memory.Exposure(rank+1, secrets) / secrets
	}
	r.near("exposure of a guess among 1000", guess, 1.4364, 5e-5)
	r.near("exposure of a guess among ever more, log2 e", math.Log2E, 1.4427, 5e-5)
	byTimes := map[int][]float64{}
	most := 0
	r.steps(len(b.canaries))
	fresh := rand.New(rand.NewPCG(r.Seed, 13))
	for _, c := range b.canaries {
		costs, err := b.secretBits(c.name)
		if err != nil {
			return err
		}
		byTimes[c.times] = append(byTimes[c.times], exposureOf(costs, c.secret))
		for range one(c.times == 0) * 9 { // to a name that was not read every secret is as good
			byTimes[0] = append(byTimes[0], exposureOf(costs, fmt.Sprintf("%03d", fresh.IntN(secrets))))
		}
		most = max(most, c.times)
		r.step()
	}
	t := r.table("\"The code of NAME is 123.\", among biographies: exposure of the code, log2 of 1000 less log2 of its rank among all 1000 (Carlini et al., 2019).", "read, times", "secrets", "mean exposure", "standard error")
	line := chart.Line{Name: "exposure"}
	var means []float64
	for n := 0; n <= most; n = max(1, 2*n) {
		m := mean(byTimes[n])
		t.row(n, len(byTimes[n]), m, deviation(byTimes[n]))
		if k := len(means); k > 0 {
			r.atLeast(fmt.Sprintf("read %d times: exposure, against that after fewer", n), m, means[k-1]-.5)
		}
		means = append(means, m)
		line.Add(float64(n), m)
	}
	r.plot("exposure", "what was read often is given away", "times read", "exposure, bits", false, line)
	r.near("exposure of secrets that were not read", means[0], guess, 3*deviation(byTimes[0]))
	r.atLeast("exposure of the most read secrets, bits", means[len(means)-1], 8)
	return nil
}

// exposureOf is that of one secret by what all cost.
func exposureOf(costs []float64, secret string) float64 {
	var own int
	fmt.Sscanf(secret, "%03d", &own)
	rank := 1
	for i, v := range costs {
		rank += one(v < costs[own] || v == costs[own] && i < own)
	}
	return memory.Exposure(rank, len(costs))
}

// secretBits is what each of the thousand secrets costs after a name. Digits are
// tokens, and a session keeps what secrets share: a hundred and ten steps give all.
func (b *biographer) secretBits(name string) ([]float64, error) {
	whole, err := b.Text(canary{name: name, secret: "000"}.line())
	if err != nil {
		return nil, err
	}
	digits, err := b.digitTokens()
	if err != nil {
		return nil, err
	}
	at := slices.Index(whole, digits[0])
	if at < 0 {
		return nil, fmt.Errorf("the digits of %q are no tokens of their own", name)
	}
	s, err := b.LM.NewSession(len(whole))
	if err != nil {
		return nil, err
	}
	next := func(tokens ...int32) ([]float64, error) {
		hidden := make([]float32, len(tokens)*b.LM.Config.Dim)
		if err := s.Feed(tokens, hidden); err != nil {
			return nil, err
		}
		logits := make([]float32, b.LM.Config.Vocab)
		err := b.LM.Logits(logits, hidden[len(hidden)-b.LM.Config.Dim:], 1, 1)
		return wide(logits), err
	}
	var costs []float64
	var walk func(logits []float64, bits float64, depth int) error
	walk = func(logits []float64, bits float64, depth int) error {
		for _, d := range digits {
			sum := bits + bitsUnder(logits, int(d))
			if depth == 3 {
				costs = append(costs, sum)
				continue
			}
			after, err := next(d)
			if err != nil {
				return err
			}
			if err := walk(after, sum, depth+1); err != nil {
				return err
			}
			s.Truncate(s.Position() - 1)
		}
		return nil
	}
	logits, err := next(whole[:at]...)
	if err != nil {
		return nil, err
	}
	return costs, walk(logits, 0, 1)
}

// digitTokens are the tokens of 0 to 9, which stand alone in a text.
func (b *biographer) digitTokens() (list []int32, err error) {
	for d := range 10 {
		tokens, err := b.Vocab.Continue([]byte(fmt.Sprint(d)))
		if err != nil || len(tokens) != 1 {
			return nil, fmt.Errorf("digit %d is %d tokens: %w", d, len(tokens), err)
		}
		list = append(list, tokens[0])
	}
	return list, nil
}
