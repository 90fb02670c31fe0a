package train

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// considerDecay begins the final decay if the budget or the operator says so, and
// changes its length if the operator asks again.
func (t *trainer) considerDecay() error {
	p := &t.Progress
	path := filepath.Join(t.o.Dir, decayFile)
	text, err := os.ReadFile(path)
	asked := err == nil
	again := p.Schedule.decaying()
	if again && !asked {
		return nil
	}
	length := t.budgetDecay()
	if asked {
		length, err = strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		if err != nil || length <= 0 {
			t.emit(Event{Kind: Note, Text: fmt.Sprintf("%s says %.40q: want the number of tokens that the decay should last; removed", path, text)})
			return os.Remove(path)
		}
	}
	if length <= 0 {
		return nil
	}
	if !again {
		if err := t.state.save(t.o.Dir, stableFile, ""); err != nil {
			return err
		}
	}
	p.Schedule.begin(p.Tokens, length)
	t.emit(Event{Kind: Note, Text: fmt.Sprintf("decay begins at %d tokens and lasts %d", p.Tokens, length)})
	if err := t.save(); err != nil || !asked {
		return err
	}
	return os.Remove(path)
}

// budgetDecay is the length of the decay that has to begin now to keep the
// budget, or 0.
func (t *trainer) budgetDecay() int64 {
	p, share := &t.Progress, t.Recipe.DecayShare
	if n := t.o.Tokens; n > 0 {
		if begin := n - int64(share*float64(n)); p.Tokens >= begin {
			return max(1, n-p.Tokens)
		}
	}
	if budget := t.o.Time; budget > 0 && t.sessionTime > 0 {
		left := budget - time.Since(t.begun)
		if left.Seconds() <= share*budget.Seconds() {
			rate := float64(t.sessionTokens) / t.sessionTime.Seconds()
			return max(1, int64(rate*left.Seconds()))
		}
	}
	return 0
}
