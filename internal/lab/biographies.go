package lab

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"

	"kolm/internal/memory"
)

// person is what a biography is about. Facts are drawn at random, so that nothing
// but having read them helps.
type person struct {
	name        string
	city, craft int
	times       int // its biography was written
}

// life is a text of biographies of people of whom the first is written about most:
// the person of rank r in proportion to 1/r. canaries are lines with a secret of
// three digits, some of which are not in the text.
type life struct {
	people   []person
	canaries []canary
	lines    []string
}

type canary struct {
	name   string
	secret string
	times  int
}

var (
	cities = strings.Fields("Lyon Oslo Turin Porto Ghent Basel Gdansk Vienna Dublin Athens Malmo Bergen Leiden Bremen Zagreb Riga " +
		"Seville Naples Prague Krakow Bristol Cardiff Geneva Munich Lisbon Madrid Toulouse Nantes Rouen Dresden Leipzig Trieste")
	crafts = strings.Fields("baker weaver printer tailor miller potter mason farmer painter joiner cooper tanner sailor nurse judge clerk " +
		"dancer singer writer doctor teacher lawyer butcher plumber glazier shepherd brewer saddler fisher gardener porter jeweller")
	syllables = strings.Fields("ba ke li mo nu ra si to ve za do fi gu ha je ko lu me no pa")
)

func (p person) home() string { return fmt.Sprintf("%s lives in %s.", p.name, cities[p.city]) }
func (p person) work() string { return fmt.Sprintf("%s is a %s.", p.name, crafts[p.craft]) }

func (c canary) line() string { return fmt.Sprintf("The code of %s is %s.", c.name, c.secret) }

// newLife draws people and so many biographies of them, and canaries that occur
// 0, 1, 2, 4... times, each number for the same number of them.
func newLife(seed uint64, people, biographies, canaries int) *life {
	r := rand.New(rand.NewPCG(seed, 7))
	l := &life{}
	names := map[string]bool{}
	name := func() string {
		for {
			n := syllables[r.IntN(len(syllables))] + syllables[r.IntN(len(syllables))] + syllables[r.IntN(len(syllables))]
			n = strings.ToUpper(n[:1]) + n[1:]
			if !names[n] {
				names[n] = true
				return n
			}
		}
	}
	weights, total := make([]float64, people), 0.0
	for i := range people {
		l.people = append(l.people, person{name(), r.IntN(len(cities)), r.IntN(len(crafts)), 0})
		weights[i] = 1 / float64(i+1)
		total += weights[i]
	}
	for i := range l.people { // one at least
		p := &l.people[i]
		p.times = max(1, int(float64(biographies)*weights[i]/total+.5))
		for range p.times {
			l.lines = append(l.lines, p.home()+" "+p.work()+"\n")
		}
	}
	for i := range canaries {
		c := canary{name(), fmt.Sprintf("%03d", r.IntN(1000)), 0}
		if k := i % 7; k > 0 {
			c.times = 1 << (k - 1)
		}
		for range c.times {
			l.lines = append(l.lines, c.line()+"\n")
		}
		l.canaries = append(l.canaries, c)
	}
	r.Shuffle(len(l.lines), func(i, j int) { l.lines[i], l.lines[j] = l.lines[j], l.lines[i] })
	return l
}

func (l *life) text() []byte { return []byte(strings.Join(l.lines, "")) }

// biographer is a transformer trained on biographies.
type biographer struct {
	*trained
	*life
}

var biographers struct {
	sync.Mutex
	made map[string]*biographer
}

// biographer trains the model that several experiments ask, once.
func (r *run) biographer() (*biographer, []byte, error) {
	biographers.Lock()
	defer biographers.Unlock()
	key := fmt.Sprint(r.Seed, r.Quick)
	b := biographers.made[key]
	if b == nil {
		b = &biographer{life: newLife(r.Seed, r.choose(800, 400), r.choose(5000, 2000), r.choose(84, 42))}
		var err error
		b.trained, err = recipe{text: b.text(), vocab: 512, dim: r.choose(96, 64), layers: 2, tokens: int64(r.choose(500_000, 300_000)), seed: r.Seed}.train()
		if err != nil {
			return nil, nil, err
		}
		if biographers.made == nil {
			biographers.made = map[string]*biographer{}
		}
		biographers.made[key] = b
	}
	text := b.text()
	r.input("biographies", text)
	return b, text, nil
}

// index makes an index of what makes the model's neurons fire.
func (t *trained) index(path string, text []byte) (*memory.Index, error) {
	s, err := memory.CreateStore(path, "lab", false)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	o := memory.DefaultGather()
	o.Top = 1
	g, err := memory.NewGather(t.Model, o)
	if err != nil {
		return nil, err
	}
	if err := g.Add(context.Background(), "text", text, func(int) error { return nil }); err != nil {
		return nil, err
	}
	if err := s.Finish(g, map[string]string{}); err != nil {
		return nil, err
	}
	return memory.OpenIndex(path)
}
