//go:build !linux

package main

import "github.com/rogpeppe/go-internal/testscript"

func canMount() bool { return false }

func cmdSmallDisk(ts *testscript.TestScript, neg bool, args []string) { ts.Fatalf("no mount here") }
