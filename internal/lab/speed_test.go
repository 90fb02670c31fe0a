package lab

import (
	"os"
	"strings"
	"syscall"
	"testing"
)

func cpu() float64 {
	var u syscall.Rusage
	syscall.Getrusage(0, &u)
	return float64(u.Utime.Sec) + float64(u.Utime.Usec)/1e6
}

func TestSpeed(t *testing.T) {
	for _, e := range []Experiment{transformer, memories, values, capacity, frequency, labels, counterfactual, exposure, calibration, regenerate} {
		if want := os.Getenv("EXP"); want != "" && !strings.Contains(want, e.Name) {
			continue
		}
		a := cpu()
		r, err := e.Run(Config{Quick: os.Getenv("FULL") == "", Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		var text strings.Builder
		r.WriteText(&text, false)
		t.Logf("%s\ncpu %.1f s wall %.1f", text.String(), cpu()-a, r.Seconds)
	}
}
