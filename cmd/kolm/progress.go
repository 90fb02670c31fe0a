package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

const (
	progressAfter = 2 * time.Second        // quick work shows none
	progressEvery = 200 * time.Millisecond // and the eye needs no more
)

// progress is a line on the terminal that says how far a file is. A nil
// progress shows nothing.
type progress struct {
	w     io.Writer
	name  string
	total int64 // bytes to do, 0 if unknown
	now   func() time.Time

	mu    sync.Mutex
	done  int64
	start time.Time
	drawn time.Time
	shown bool
}

func (a *app) showsProgress() bool { return isTerminal(a.stderr) && !a.quiet && !a.json }

// startProgress shows the progress of a file from now on, if any is shown.
func (a *app) startProgress(name string, total int64) {
	a.bar.Store(nil)
	if a.showsProgress() {
		a.bar.Store(&progress{w: a.stderr, name: name, total: total, now: time.Now, start: time.Now()})
	}
}

// add says that n more bytes are done. Any goroutine may call it.
func (p *progress) add(n int) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += int64(n)
	now := p.now()
	if now.Sub(p.start) < progressAfter || now.Sub(p.drawn) < progressEvery {
		return
	}
	p.drawn, p.shown = now, true
	fmt.Fprintf(p.w, "\r%-78.78s", p.line(now.Sub(p.start)))
}

func (p *progress) line(spent time.Duration) string {
	name := p.name
	if r := []rune(name); len(r) > 32 {
		name = "..." + string(r[len(r)-29:])
	}
	rate := float64(p.done) / spent.Seconds()
	if p.total == 0 {
		return fmt.Sprintf("%s: %s  %s/s  %s", name, size(p.done), size(int64(rate)), clock(spent))
	}
	left := time.Duration(float64(p.total-p.done) / rate * float64(time.Second))
	return fmt.Sprintf("%s: %s of %s  %s/s  ETA %s", name, percent(p.done, p.total), size(p.total), size(int64(rate)), clock(left))
}

// erase clears the line; it appears again with the next add.
func (p *progress) erase() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		fmt.Fprintf(p.w, "\r%s\r", strings.Repeat(" ", 78))
		p.shown = false
	}
}
