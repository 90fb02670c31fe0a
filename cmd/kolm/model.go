package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"kolm"
	"kolm/internal/lmfile"
	"kolm/internal/modelfile"
)

type modelCmd struct {
	List   modelListCmd   `cmd:"" help:"List the models at hand."`
	Info   modelInfoCmd   `cmd:"" help:"Say what a model is."`
	Verify modelVerifyCmd `cmd:"" help:"Check that models are what their IDs say, and that they can be used."`
	Import modelImportCmd `cmd:"" help:"Keep a model file, so that it is found by its ID."`
	Export modelExportCmd `cmd:"" help:"Write a model to a GGUF file."`

	Quantize modelQuantizeCmd `cmd:"" help:"Show what coarser weights save and cost, and write a smaller GGUF file."`
}

// modelReport says what a model is.
type modelReport struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Where   string `json:"where"` // "built-in" or a file
	Bytes   int64  `json:"file_bytes"`
	Vocab   int    `json:"vocabulary"`
	Dim     int    `json:"width"`
	Layers  int    `json:"layers"`
	Heads   int    `json:"heads"`
	KVHeads int    `json:"kv_heads"`
	HeadDim int    `json:"head_width"`
	FFN     int    `json:"ffn_width"`
	Window  int    `json:"window"`
}

func (r *modelReport) shape() string {
	return fmt.Sprintf("%d layers of %d, vocabulary %d", r.Layers, r.Dim, r.Vocab)
}

type modelListCmd struct {
	JSON bool `help:"Print one JSON object a model."`
}

func (c *modelListCmd) Run(a *app) error {
	a.json = c.JSON
	list, err := catalogue()
	if err != nil {
		a.report("", err)
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	for _, e := range list {
		r, err := describeModel(e)
		switch {
		case err != nil:
			a.report("", err)
		case a.json:
			a.printJSON(r)
		default:
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", r.ID[:16], size(r.Bytes), r.Name, r.shape(), r.Where)
		}
	}
	return w.Flush()
}

type modelInfoCmd struct {
	Model string `arg:"" optional:"" default:"built-in" help:"A model that weigh takes, digits of an ID, built-in or built-in-small."`
	JSON  bool   `help:"Print a JSON object."`
}

func (c *modelInfoCmd) Run(a *app) error {
	a.json = c.JSON
	e, err := chooseModel(c.Model)
	if err != nil {
		return err
	}
	r, err := describeModel(e)
	if err != nil {
		if e.id == "" && foreignInfo(a, c.Model) == nil {
			return nil
		}
		return err
	}
	if a.json {
		a.printJSON(r)
		return nil
	}
	return a.rows([][2]string{
		{"id", r.ID}, {"name", r.Name}, {"where", r.Where}, {"file", size(r.Bytes)}, {"shape", r.shape()},
		{"attention", fmt.Sprintf("%d heads of %d, %d of keys and values, window %d", r.Heads, r.HeadDim, r.KVHeads, r.Window)},
		{"feed-forward", fmt.Sprint(r.FFN)},
	})
}

// foreignInfo describes a model that is none of kolm's but can be weighed with.
func foreignInfo(a *app, name string) error {
	m, err := openScoring(name, "")
	if err != nil {
		return err
	}
	defer m.Close()
	r, c := m.report(), &m.Model.Config
	if a.json {
		a.printJSON(r)
		return nil
	}
	return a.rows([][2]string{
		{"file", fmt.Sprintf("%s, %s, sha256 %s", r.Model, size(r.Bytes), r.SHA256)},
		{"architecture", fmt.Sprintf("%s, %s parameters as %s", r.Arch, count(r.Parameters), r.Types)},
		{"shape", fmt.Sprintf("%d layers of %d, vocabulary %d", c.Layers, c.Dim, c.Vocab)},
		{"attention", fmt.Sprintf("%d heads of %d, %d of keys and values, trained for %d tokens", c.Heads, c.HeadDim, c.KVHeads, c.Context)},
		{"tokenizer", fmt.Sprintf("%s, %d tokens, sha256 %s", r.Tokenizer, r.Vocab, r.TokenHash)},
		{"use", "kolm weigh, memory and model quantize; kolm pack takes models that kolm trained"},
	})
}

// rows prints names and what they stand for.
func (a *app) rows(list [][2]string) error {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range list {
		fmt.Fprintf(w, "%s:\t%s\n", row[0], row[1])
	}
	w.Flush()
	_, err := io.WriteString(a.stdout, b.String())
	return err
}

type modelVerifyCmd struct {
	Models []string `arg:"" optional:"" name:"model" help:"GGUF files or digits of IDs; none: all models at hand."`
	JSON   bool     `help:"Print one JSON object a model."`
}

func (c *modelVerifyCmd) Run(a *app) error {
	a.json = c.JSON
	list, err := c.chosen(a)
	if err != nil {
		return err
	}
	for _, e := range list {
		r, err := describeModel(e)
		if err == nil {
			_, err = openEntry(e)
		}
		if err != nil {
			a.report("", err)
			continue
		}
		if a.json {
			a.printJSON(r)
		} else {
			fmt.Fprintf(a.stdout, "%s: ok  model %s\n", r.Where, r.ID)
		}
	}
	return nil
}

func (c *modelVerifyCmd) chosen(a *app) ([]modelEntry, error) {
	if len(c.Models) == 0 {
		return catalogue()
	}
	var list []modelEntry
	for _, name := range c.Models {
		e, err := chooseModel(name)
		if err != nil {
			a.report("", err)
			continue
		}
		list = append(list, e)
	}
	return list, nil
}

func openEntry(e modelEntry) (*kolm.Model, error) {
	if e.id == "" {
		return openModelFile(e.path)
	}
	return e.open()
}

type modelImportCmd struct {
	Files []string `arg:"" name:"file" help:"GGUF files."`
}

func (c *modelImportCmd) Run(a *app) error {
	folders := modelFolders()
	if len(folders) == 0 {
		return failed("set KOLM_MODELS to a folder", "there is no folder to keep models in")
	}
	dir := folders[len(folders)-1]
	if os.Getenv("KOLM_MODELS") != "" {
		dir = folders[0]
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	a.each(c.Files, func(name string) error {
		m, err := openModelFile(name)
		if err != nil {
			return err
		}
		file, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		path := filepath.Join(dir, m.ID().String()+modelSuffix)
		err = a.writeFile(path, "", file, false)
		if errors.Is(err, fs.ErrExist) {
			a.say("%s: model %s is at hand already", name, m.ID())
			return nil
		}
		if err == nil {
			a.say("%s: kept as %s", name, path)
		}
		return err
	})
	return nil
}

type modelExportCmd struct {
	Model  string `arg:"" optional:"" default:"built-in" help:"A GGUF file of kolm's, digits of an ID, built-in or built-in-small."`
	Output string `short:"o" required:"" placeholder:"OUT" help:"The GGUF file to write, - is standard output; or the folder, for safetensors."`
	Format string `enum:"gguf,safetensors" default:"gguf" help:"gguf, as llama.cpp loads it; or safetensors: a folder as transformers loads it."`
	Type   string `enum:",F32,F16,Q8_0" default:"" help:"Storage type of the matrices: F32, F16 or, for gguf, Q8_0 (default: as they are; for safetensors F32)."`
	Force  bool   `short:"f" help:"Overwrite the file."`
}

func (c *modelExportCmd) Run(a *app) error {
	e, err := chooseModel(c.Model)
	if err != nil {
		return err
	}
	if err := apart(c.Output, modelPath(c.Model)); err != nil {
		return err
	}
	if _, err := describeModel(e); err != nil { // a damaged one is not passed on
		return err
	}
	file, err := e.read()
	if err != nil {
		return err
	}
	if c.Format == "safetensors" {
		return c.folder(file)
	}
	if c.Type != "" {
		if file, err = retyped(file, exportTypes[c.Type]); err != nil {
			return err
		}
	}
	if c.Output == "-" {
		_, err := a.stdout.Write(file)
		return err
	}
	return a.writeFile(c.Output, "-o", file, c.Force)
}

var exportTypes = map[string]modelfile.Type{"": modelfile.F32, "F32": modelfile.F32, "F16": modelfile.F16, "Q8_0": modelfile.Q8_0}

// folder writes a model as a safetensors folder. There must be no file in it that
// it would replace, unless that is asked for.
func (c *modelExportCmd) folder(file []byte) error {
	switch {
	case c.Output == "-":
		return usage("name a folder", "safetensors are written to a folder, not to standard output")
	case c.Type == "Q8_0":
		return usage("take F32 or F16", "weights of type Q8_0 are not written to a folder")
	}
	f, err := modelfile.Load(file)
	if err != nil {
		return err
	}
	if list, err := os.ReadDir(c.Output); err == nil && len(list) > 0 && !c.Force {
		return failed("give -f, or another folder", "%s is not empty", c.Output)
	}
	return lmfile.ExportFolder(c.Output, f, exportTypes[c.Type])
}

// retyped is a model's file with matrices of another type.
func retyped(file []byte, t modelfile.Type) ([]byte, error) {
	f, err := modelfile.Load(file)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = modelfile.Export(&b, f, t)
	return b.Bytes(), err
}

// writeFile writes a whole file, which a flag names, or none.
func (a *app) writeFile(name, flag string, data []byte, force bool) error {
	o, err := a.create(name, flag, nil, force)
	if err != nil {
		return err
	}
	defer o.discard()
	if _, err := o.Write(data); err != nil {
		return err
	}
	return o.commit(nil)
}
