package main

import (
	"fmt"
	"reflect"

	"github.com/alecthomas/kong"
)

// words gives flags and arguments the very bytes of the command line. kong's own
// mapper of strings passes them through JSON, which makes another name of a file
// whose name is not UTF-8.
func words(ctx *kong.DecodeContext, target reflect.Value) error {
	t, err := ctx.Scan.PopValue("string")
	if err != nil {
		return err
	}
	target.SetString(fmt.Sprint(t.Value))
	return nil
}
