//go:build !unix

package main

func umask() int { return 0 }

// syncDir does nothing where directories can not be synced.
func syncDir(string) error { return nil }
