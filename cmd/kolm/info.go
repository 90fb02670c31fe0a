package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"kolm"
	"kolm/internal/codec"
	"kolm/internal/container"
	"kolm/internal/twopart"
)

type infoCmd struct {
	Files []string `arg:"" optional:"" name:"file" help:"Packed files; - or none: standard input."`
	talk
}

// infoReport says what a packed file holds. Payload, Headers and Index add up to
// the size of the file.
type infoReport struct {
	File    string         `json:"file"`
	Format  int            `json:"format"`
	Members int            `json:"members"`
	Blocks  int            `json:"blocks"`
	Methods map[string]int `json:"methods"`
	Models  []infoModel    `json:"models"` // that blocks were packed with
	Plain   int64          `json:"plain_bytes"`
	Packed  int64          `json:"packed_bytes"`
	Payload int64          `json:"payload_bytes"`
	Headers int64          `json:"header_bytes"`
	Index   int64          `json:"index_bytes"`
	Bits    float64        `json:"bits_per_byte"`
	List    []infoBlock    `json:"block_list,omitempty"` // with -v
}

type infoModel struct {
	Prefix string `json:"prefix"`
	Where  string `json:"where"` // "built-in", a file, or "not here"
}

type infoBlock struct {
	Number  int    `json:"number"`
	Offset  int64  `json:"offset"`
	Start   int64  `json:"plain_offset"`
	Plain   int64  `json:"plain_bytes"`
	Payload int64  `json:"payload_bytes"`
	Method  string `json:"method"`
}

func (c *infoCmd) Run(a *app) error {
	c.apply(a)
	files, err := a.orStdin(c.Files)
	if err != nil {
		return err
	}
	a.each(files, func(name string) error {
		in, err := a.open(name)
		if err != nil {
			return err
		}
		defer in.Close()
		start := bufio.NewReader(in)
		if magic, _ := start.Peek(len(twopart.Magic)); bytes.Equal(magic, twopart.Magic) {
			return inspectTwoPart(a, in.name, start)
		}
		r, err := inspect(in, start, c.Verbose)
		var damage *kolm.Error
		if errors.As(err, &damage) {
			damage.Good = 0 // nothing was decoded
		}
		if err != nil {
			return err
		}
		if a.json {
			a.printJSON(r)
			return nil
		}
		_, err = io.WriteString(a.stdout, r.table())
		return err
	})
	return nil
}

// twoPartReport says what a file of "kolm weigh --archive" holds. Model, Data and
// Headers add up to its size.
type twoPartReport struct {
	File    string  `json:"file"`
	Plain   int64   `json:"plain_bytes"`
	Packed  int64   `json:"packed_bytes"`
	Model   int64   `json:"model_bytes"`
	Data    int64   `json:"data_bytes"`
	Headers int64   `json:"header_bytes"`
	Bits    float64 `json:"bits_per_byte"`
}

func inspectTwoPart(a *app, name string, in io.Reader) error {
	file, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	plain, model, data, rest, err := twopart.Sizes(file)
	if err != nil {
		return explainTwoPart(err)
	}
	r := twoPartReport{label(name), int64(plain), int64(len(file)), int64(model), int64(data), int64(rest), bitsPerByte(int64(len(file)), int64(plain))}
	if a.json {
		a.printJSON(r)
		return nil
	}
	_, err = fmt.Fprintf(a.stdout, "%s: two-part, a model and data coded with it\n    model %d B  data %d B  headers %d B  total %d B\n    plain %d B  %.3f bits/byte\n",
		r.File, r.Model, r.Data, r.Headers, r.Packed, r.Plain, r.Bits)
	return err
}

// inspect goes through the headers of a packed file; start is its reader.
func inspect(in *source, start io.Reader, list bool) (*infoReport, error) {
	r := &infoReport{File: label(in.name), Format: container.Version, Methods: map[string]int{}, Models: []infoModel{}}
	src := start
	if in.size > 0 {
		if _, err := in.Seek(0, io.SeekStart); err != nil {
			return nil, err
		}
		src = in.File // it seeks
	}
	s := container.NewScanner(src)
	seen := map[string]bool{}
	for {
		e, err := s.Skip()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		method := codec.Method(e.Method).String()
		r.Methods[method]++
		r.Blocks++
		r.Plain += int64(e.Plain)
		r.Payload += int64(e.Payload)
		if p := string(e.ModelPrefix()); p != "" && !seen[p] {
			seen[p] = true
			r.Models = append(r.Models, infoModel{fmt.Sprintf("%x", p), whereModel([]byte(p))})
		}
		if list {
			r.List = append(r.List, infoBlock{e.Number, e.Offset, e.Start, int64(e.Plain), int64(e.Payload), method})
		}
	}
	r.Members, r.Packed = s.Members(), s.Offset()
	r.Index = s.IndexBytes()
	r.Headers = r.Packed - r.Payload - r.Index
	r.Bits = bitsPerByte(r.Packed, r.Plain)
	return r, nil
}

func (r *infoReport) table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: format %d, %s, %s (%s)\n", r.File, r.Format, plural(r.Members, "member"), plural(r.Blocks, "block"), r.methods())
	for _, m := range r.Models {
		fmt.Fprintf(&b, "    model %s: %s\n", m.Prefix, m.Where)
	}
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(name string, n int64) { fmt.Fprintf(w, "    %s\t%d B\t%s\t\n", name, n, percent(n, r.Packed)) }
	row("payload", r.Payload)
	row("headers", r.Headers)
	row("index", r.Index)
	row("total", r.Packed)
	fmt.Fprintf(w, "    %s\t%d B\t\t\n", "plain", r.Plain)
	w.Flush()
	fmt.Fprintf(&b, "    %s of the plain bytes, %.3f bits/byte\n", percent(r.Packed, r.Plain), r.Bits)
	if len(r.List) > 0 {
		fmt.Fprintf(w, "block\toffset\tplain offset\tplain\tpayload\tbits/byte\tmethod\t\n")
		for _, e := range r.List {
			fmt.Fprintf(w, "%d\t%d\t%d\t%d\t%d\t%.3f\t%s\t\n", e.Number, e.Offset, e.Start, e.Plain, e.Payload, bitsPerByte(e.Payload, e.Plain), e.Method)
		}
		w.Flush()
	}
	return b.String()
}

// methods says how many blocks each method packed.
func (r *infoReport) methods() string {
	var parts []string
	for m := codec.Stored; m <= codec.Single; m++ {
		if n := r.Methods[m.String()]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, m))
		}
	}
	return strings.Join(parts, ", ")
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
