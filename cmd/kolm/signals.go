package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// interruption says what a signal does: end the program, or end the work that
// asked to be told.
type interruption struct {
	mu     sync.Mutex
	cancel context.CancelFunc
}

// handleSignals has signals that end the program remove temporary files first,
// and has a broken pipe show as an error. The returned function ends that.
func (a *app) handleSignals() (stop func()) {
	pipe := make(chan os.Signal, 1)
	signal.Notify(pipe, syscall.SIGPIPE) // never read: it only keeps the signal from ending the program
	ends := make(chan os.Signal, 1)
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) { // as under nohup
			signal.Notify(ends, s)
		}
	}
	go func() {
		for range ends {
			if a.interrupt.tell() {
				continue
			}
			a.temps.removeAll()
			a.bar.Load().erase()
			os.Exit(codeInterrupted)
		}
	}()
	return func() { signal.Stop(pipe); signal.Stop(ends) }
}

// tell cancels the work that asked for it, once; a second signal ends the program.
func (i *interruption) tell() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.cancel == nil {
		return false
	}
	i.cancel()
	i.cancel = nil
	return true
}

// interruptible returns a context that the first signal cancels instead of
// ending the program, for work that has something to save.
func (a *app) interruptible() (ctx context.Context, stop context.CancelFunc) {
	a.interrupt.mu.Lock()
	defer a.interrupt.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	a.interrupt.cancel = cancel
	return ctx, func() {
		a.interrupt.mu.Lock()
		defer a.interrupt.mu.Unlock()
		a.interrupt.cancel = nil
		cancel()
	}
}
