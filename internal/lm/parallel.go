package lm

import (
	"sync"
	"sync/atomic"
)

// split calls f for the parts [from, to) of 0..n, each part long except for the
// last, in up to threads goroutines. It returns the error of the first part that
// has one.
func split(n, part, threads int, f func(from, to int) error) error {
	parts := (n + part - 1) / part
	threads = min(threads, parts)
	if threads <= 1 {
		for from := 0; from < n; from += part {
			if err := f(from, min(from+part, n)); err != nil {
				return err
			}
		}
		return nil
	}
	var next atomic.Int64
	var wait sync.WaitGroup
	errs := make([]error, parts)
	for range threads {
		wait.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= parts {
					return
				}
				errs[i] = f(i*part, min((i+1)*part, n))
			}
		})
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
