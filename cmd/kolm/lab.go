package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"kolm/internal/lab"
	"kolm/internal/mdl/prefix"
)

type labCmd struct {
	List   labListCmd   `cmd:"" help:"List the experiments."`
	Run    labRunCmd    `cmd:"" default:"withargs" help:"Do experiments: kolm lab NAME..."`
	Claims labClaimsCmd `cmd:"" help:"Do all experiments and judge the claims that they are about."`
	Verify labVerifyCmd `cmd:"" help:"Run the programs of certificates, and check what they write."`
}

type labListCmd struct {
	JSON bool `help:"Print one JSON object an experiment."`
}

// labEntry is an experiment in the list.
type labEntry struct {
	Name      string `json:"name"`
	Question  string `json:"question"`
	Criterion string `json:"criterion"`
}

func (c *labListCmd) Run(a *app) error {
	a.json = c.JSON
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	for _, e := range lab.Experiments() {
		if a.json {
			a.printJSON(labEntry{e.Name, e.Question, e.Criterion})
			continue
		}
		fmt.Fprintf(w, "%s\t%s\n", e.Name, e.Question)
	}
	return w.Flush()
}

// labFlags are those of commands that do experiments.
type labFlags struct {
	Quick  bool   `help:"Take small samples: seconds instead of minutes."`
	Output string `short:"o" placeholder:"DIR" help:"Write results as JSON, plots as SVG and PNG, and certificates into this folder."`
	Seed   uint64 `default:"1" help:"Where randomness begins."`
	talk
}

// do does an experiment and writes its files.
func (f *labFlags) do(a *app, e lab.Experiment, in lab.ScaleInput) (*lab.Result, error) {
	stop := a.startSteps(e.Name)
	r, err := e.Run(lab.Config{Quick: f.Quick, Seed: f.Seed, Scale: in, Progress: func(done, total int) { a.bar.Load().step(done, total) }})
	stop()
	if err != nil || f.Output == "" {
		return r, err
	}
	if err := os.MkdirAll(f.Output, 0o777); err != nil {
		return nil, err
	}
	if err := writeJSON(filepath.Join(f.Output, e.Name+".json"), r); err != nil {
		return nil, err
	}
	for i, c := range r.Certificates {
		if err := writeJSON(filepath.Join(f.Output, fmt.Sprintf("%s-%d.certificate.json", e.Name, i)), c); err != nil {
			return nil, err
		}
	}
	_, err = r.WritePlots(f.Output)
	return r, err
}

func writeJSON(name string, v any) error {
	b, err := json.MarshalIndent(v, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(b, '\n'), 0o666)
}

type labRunCmd struct {
	Names     []string `arg:"" name:"name" help:"Experiments, as \"kolm lab list\" shows them."`
	Model     string   `short:"m" placeholder:"MODEL" help:"For scale: the model to measure, of any kind that kolm weigh reads; the built-in one if only a text is given."`
	Tokenizer string   `placeholder:"FILE" help:"For scale: the tokenizer, for a model that comes without."`
	Text      string   `type:"existingfile" placeholder:"FILE" help:"For scale: the text to measure it on."`
	labFlags
}

// scaleName is the experiment that takes a model and a text.
const scaleName = "scale"

func (c *labRunCmd) Run(a *app) error {
	c.apply(a)
	var chosen []lab.Experiment
	for _, name := range c.Names {
		e, ok := lab.Find(name)
		if !ok {
			return usage(`"kolm lab list" shows the experiments`, "no experiment %q", name)
		}
		chosen = append(chosen, e)
	}
	if !slices.Contains(c.Names, scaleName) {
		if err := unused("without "+scaleName+" among the experiments", flagGiven{"--text", c.Text != ""}, flagGiven{"-m", c.Model != ""}, flagGiven{"--tokenizer", c.Tokenizer != ""}); err != nil {
			return err
		}
	}
	in, err := c.scaleInput()
	if err != nil {
		return err
	}
	var failures []string
	for _, e := range chosen {
		r, err := c.do(a, e, in)
		if err != nil {
			return err
		}
		if !r.Pass {
			failures = append(failures, e.Name)
		}
		if a.json {
			a.printJSON(r)
		} else if err := r.WriteText(a.stdout, a.verbose); err != nil {
			return err
		}
	}
	return notPassed(failures)
}

func notPassed(names []string) error {
	if len(names) == 0 {
		return nil
	}
	return failed("", "did not pass: %s", strings.Join(names, ", "))
}

// scaleInput reads the model and text for the experiment scale, if any is given.
func (c *labRunCmd) scaleInput() (in lab.ScaleInput, err error) {
	switch {
	case c.Text == "" && c.Model == "":
		return in, nil
	case c.Text == "":
		return in, usage("give a text with --text FILE", "a model alone can not be measured")
	case c.Model == "":
		c.Model = builtinName
	}
	m, err := openScoring(c.Model, c.Tokenizer)
	if err != nil {
		return in, err
	}
	in.Name, in.FileBytes, in.Parameters, in.TextName = c.Model, m.Size, m.Parameters, filepath.Base(c.Text)
	in.Scored = &lab.ScoredModel{Model: m.Model, Tok: m.tok}
	if packer, err := openModel(c.Model); err == nil { // else it is a model of others, that kolm only scores
		in.Model = packer
	}
	in.Text, err = os.ReadFile(c.Text)
	return in, err
}

type labClaimsCmd struct{ labFlags }

// claimsReport is what all experiments say of all claims.
type claimsReport struct {
	Claims      []lab.Standing    `json:"claims"`
	Passed      int               `json:"passed"`
	Failed      int               `json:"failed"`
	NotRun      int               `json:"not_run"`
	Experiments []experimentState `json:"experiments"`
}

type experimentState struct {
	Name    string  `json:"name"`
	Pass    bool    `json:"pass"`
	Checks  int     `json:"checks"`
	Seconds float64 `json:"seconds"`
}

func (c *labClaimsCmd) Run(a *app) error {
	c.apply(a)
	return c.judge(a, func(e lab.Experiment) (*lab.Result, error) { return c.do(a, e, lab.ScaleInput{}) })
}

// judge does all experiments and says how the claims stand; it is an error if one
// did not pass.
func (c *labClaimsCmd) judge(a *app, do func(lab.Experiment) (*lab.Result, error)) error {
	results := map[string]*lab.Result{}
	var report claimsReport
	var failures []string
	for _, e := range lab.Experiments() {
		r, err := do(e)
		if err != nil {
			return err
		}
		results[e.Name] = r
		report.Experiments = append(report.Experiments, experimentState{e.Name, r.Pass, len(r.Checks), r.Seconds})
		if !r.Pass {
			failures = append(failures, e.Name)
		}
	}
	report.Claims = lab.Judge(results)
	for _, s := range report.Claims {
		switch s.State {
		case lab.Passed:
			report.Passed++
		case lab.Failed:
			report.Failed++
		default:
			report.NotRun++
		}
	}
	if c.Output != "" {
		if err := writeJSON(filepath.Join(c.Output, "claims.json"), report); err != nil {
			return err
		}
	}
	if a.json {
		a.printJSON(report)
	} else if err := report.print(a); err != nil {
		return err
	}
	return notPassed(failures)
}

func (r *claimsReport) print(a *app) error {
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	for _, e := range r.Experiments {
		state := lab.Passed
		if !e.Pass {
			state = lab.Failed
		}
		fmt.Fprintf(w, "experiment %s\t%s\t%d checks\t%.1f s\n", e.Name, state, e.Checks, e.Seconds)
	}
	fmt.Fprintln(w)
	if err := w.Flush(); err != nil {
		return err
	}
	for _, s := range r.Claims {
		by := "by " + strings.Join(s.Experiments, ", ")
		fmt.Fprintf(w, "%d\t%s\t%s\n\t\t%s\n\t\t%s\n", s.Number, s.State, s.Statement, s.Verdict, by)
	}
	fmt.Fprintf(w, "\n%d pass, %d fail, %d not run (pass: the experiments bear out the verdict below the claim)\n", r.Passed, r.Failed, r.NotRun)
	return w.Flush()
}

type labVerifyCmd struct {
	Files []string `arg:"" name:"certificate" type:"existingfile" help:"Certificates, as written by an experiment with -o."`
	JSON  bool     `help:"Print one JSON object a certificate."`
}

// verifiedReport says what a certificate proves.
type verifiedReport struct {
	File    string `json:"file"`
	Machine string `json:"machine"`
	Bits    int    `json:"program_bits"`
	Bytes   int    `json:"output_bytes"`
	SHA256  string `json:"sha256"`
}

func (c *labVerifyCmd) Run(a *app) error {
	a.json = c.JSON
	a.each(c.Files, func(name string) error {
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		var cert prefix.Certificate
		if err := json.Unmarshal(b, &cert); err != nil {
			return fmt.Errorf("not a certificate: %w", err)
		}
		if _, err := cert.Verify(); err != nil {
			return err
		}
		if a.json {
			a.printJSON(verifiedReport{name, cert.Machine, cert.Bits, cert.Length, cert.SHA256})
			return nil
		}
		_, err = fmt.Fprintf(a.stdout, "%s: complexity on %s at most %d bits, of %d bytes with sha256 %.16s\n", name, cert.Machine, cert.Bits, cert.Length, cert.SHA256)
		return err
	})
	return nil
}
