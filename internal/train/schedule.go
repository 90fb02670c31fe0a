package train

// schedule is warm-up, constant, decay, counted in tokens. The decay begins
// when somebody decides so, not at a moment fixed before the run.
type schedule struct {
	Warmup int64   // tokens over which the factor rises to 1
	Start  int64   // tokens at which the decay began; negative while it has not
	Length int64   // tokens that the decay lasts
	Lost   float64 // what the factor had lost by then, where an earlier decay was cut short
}

func newSchedule(warmup int64) schedule { return schedule{Warmup: warmup, Start: -1} }

// decaying says whether the decay has begun.
func (s *schedule) decaying() bool { return s.Start >= 0 }

// begin starts the decay, which falls to zero over the given number of tokens,
// or gives one that has begun another length from now on.
func (s *schedule) begin(tokens, length int64) {
	if s.decaying() {
		s.Lost = 1 - s.left(tokens)
	}
	s.Start, s.Length = tokens, max(1, length)
}

// left is the factor of the decay.
func (s *schedule) left(tokens int64) float64 {
	return (1 - s.Lost) * max(0, 1-float64(tokens-s.Start)/float64(s.Length))
}

// done says whether the decay has ended.
func (s *schedule) done(tokens int64) bool { return s.decaying() && tokens >= s.Start+s.Length }

// factor is what the rates are multiplied by in a step of batch tokens after
// the given number of tokens.
func (s *schedule) factor(tokens, batch int64) float64 {
	f := 1.0
	if s.Warmup > 0 {
		f = min(f, float64(tokens+batch)/float64(s.Warmup))
	}
	if s.decaying() {
		f = min(f, s.left(tokens))
	}
	return f
}
