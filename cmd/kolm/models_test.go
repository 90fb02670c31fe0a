package main

import (
	"os"

	"github.com/rogpeppe/go-internal/testscript"

	"kolm"
	"kolm/internal/builtin"
	"kolm/internal/dequant"
	"kolm/internal/lmfile"
	"kolm/internal/modelfile"
)

// othermodel FILE: writes a model that is the built-in one but for one weight,
// and so has another ID. Sets $id to it.
func cmdOtherModel(ts *testscript.TestScript, neg bool, args []string) {
	f, err := modelfile.Load(builtin.File())
	ts.Check(err)
	f.Weights.OutputNorm[0] *= 1.5
	f.Name = "other"
	b, err := modelfile.Marshal(f)
	ts.Check(err)
	f, err = modelfile.Load(b)
	ts.Check(err)
	ts.Setenv("id", kolm.ModelID(f.ID).String())
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b, 0o666))
}

// exportfolder DIR: writes the built-in model as a safetensors folder.
func cmdExportFolder(ts *testscript.TestScript, neg bool, args []string) {
	f, err := modelfile.Load(builtin.File())
	ts.Check(err)
	ts.Check(lmfile.ExportFolder(ts.MkAbs(args[0]), f, dequant.F32))
}
