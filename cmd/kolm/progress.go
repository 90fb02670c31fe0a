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
	w      io.Writer
	name   string
	total  int64 // plain bytes to do, 0 if unknown
	passes int64 // each of them is done so often: packed, and verified
	steps  bool  // not bytes are counted but steps of the work
	start  time.Time

	mu    sync.Mutex
	done  int64 // of passes*total
	shown bool
	ended bool
}

func (a *app) showsProgress() bool { return isTerminal(a.stderr) && !a.quiet && !a.json }

// startProgress shows the progress of a file, if any is shown, until stop is
// called. Each of its bytes is done in so many passes.
func (a *app) startProgress(name string, total, passes int64) (stop func()) {
	return a.show(&progress{name: name, total: total, passes: passes})
}

// startSteps is startProgress for work of some number of steps, yet unknown.
func (a *app) startSteps(name string) (stop func()) {
	return a.show(&progress{name: name, passes: 1, steps: true})
}

// startCount is startProgress for work of a known number of steps, which add counts.
func (a *app) startCount(name string, total int) (stop func()) {
	return a.show(&progress{name: name, total: int64(total), passes: 1, steps: true})
}

func (a *app) show(p *progress) (stop func()) {
	if !a.showsProgress() {
		return func() {}
	}
	p.w, p.start = a.stderr, time.Now()
	a.bar.Store(p)
	tick := time.NewTicker(progressEvery)
	ended := make(chan struct{})
	go func() {
		for {
			select {
			case <-tick.C:
				p.draw(time.Since(p.start))
			case <-ended:
				return
			}
		}
	}()
	return func() {
		tick.Stop()
		close(ended)
		a.bar.Store(nil)
		p.end()
	}
}

// add says that n more bytes are done. Any goroutine may call it.
func (p *progress) add(n int) {
	if p != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.done += int64(n)
	}
}

// step says that done of total steps are done.
func (p *progress) step(done, total int) {
	if p != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.done, p.total = int64(done), int64(total)
	}
}

// draw shows the line, when the work has taken long enough for that.
func (p *progress) draw(spent time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if spent >= progressAfter && !p.ended {
		p.shown = true
		fmt.Fprintf(p.w, "\r%-78.78s", p.line(spent))
	}
}

func (p *progress) line(spent time.Duration) string {
	name := p.name
	if r := []rune(name); len(r) > 32 {
		name = "..." + string(r[len(r)-29:])
	}
	done := p.done / p.passes
	rate := float64(done) / spent.Seconds()
	switch {
	case done == 0:
		return fmt.Sprintf("%s: %s", name, clock(spent))
	case p.total == 0:
		return fmt.Sprintf("%s: %s  %s/s  %s", name, size(done), size(int64(rate)), clock(spent))
	}
	left := time.Duration(float64(p.total-done) / rate * float64(time.Second))
	if p.steps {
		return fmt.Sprintf("%s: %s  ETA %s", name, percent(done, p.total), clock(left))
	}
	return fmt.Sprintf("%s: %s of %s  %s/s  ETA %s", name, percent(done, p.total), size(p.total), size(int64(rate)), clock(left))
}

// erase clears the line, to print something else; it is drawn again later.
func (p *progress) erase() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
}

// end clears the line for good.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	p.clear()
}

func (p *progress) clear() {
	if p.shown {
		fmt.Fprintf(p.w, "\r%s\r", strings.Repeat(" ", 78))
		p.shown = false
	}
}
