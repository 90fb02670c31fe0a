package main

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"kolm/internal/score"
	"kolm/internal/vocab"
)

// weighRow is what one text costs.
type weighRow struct {
	*score.Result
	name  string
	words int
}

// pair adds what the text costs under a second model, block by block.
func (r *weighRow) pair(other *score.Result) {
	for i := range r.Blocks {
		r.Blocks[i].OtherBits = other.Blocks[i].Bits
	}
	r.Sum = score.Total(r.Blocks)
}

// weighReport is a row for JSON. Figures are null where there is nothing to divide
// by, sums in a mean over files, intervals where there is too little text for them.
type weighReport struct {
	File  string `json:"file,omitempty"`
	Total string `json:"total,omitempty"` // weighted: all texts as one; macro: the mean over files
	Files int    `json:"files,omitempty"`

	Bytes        *int64      `json:"bytes"`
	Tokens       *int64      `json:"tokens"`
	ScoredBytes  *int64      `json:"scored_bytes"`
	ScoredTokens *int64      `json:"scored_tokens"`
	Windows      *int        `json:"windows"`
	Bits         *float64    `json:"bits"`
	BitsPerByte  *float64    `json:"bits_per_byte"`
	Interval     *[2]float64 `json:"bits_per_byte_interval"`
	BitsPerToken *float64    `json:"bits_per_token"`
	Computed     bool        `json:"computed"` // no file of this size was made

	Perplexity      *float64 `json:"perplexity,omitempty"`
	PerplexityError *float64 `json:"perplexity_error,omitempty"`
	BytePerplexity  *float64 `json:"byte_perplexity,omitempty"`
	WordPerplexity  *float64 `json:"word_perplexity,omitempty"`

	Against *againstReport `json:"against,omitempty"`
	Model   *scoringReport `json:"model"`
	Rule    ruleReport     `json:"rule"`
}

type againstReport struct {
	Bits               *float64       `json:"bits"`
	BitsPerByte        *float64       `json:"bits_per_byte"`
	Difference         *float64       `json:"difference"` // bits a byte that the second model needs more
	DifferenceInterval *[2]float64    `json:"difference_interval"`
	KL                 *float64       `json:"kl_bits_per_token"`
	KLInterval         *[2]float64    `json:"kl_interval"`
	KLMedian           *float64       `json:"kl_median,omitempty"`
	KL99               *float64       `json:"kl_99_percent,omitempty"`
	KLMost             *float64       `json:"kl_most,omitempty"`
	Agreement          *float64       `json:"same_first_guess"`
	AgreementInterval  *[2]float64    `json:"same_first_guess_interval"`
	Model              *scoringReport `json:"model"`
	Rule               ruleReport     `json:"rule"`
}

type ruleReport struct {
	Name    string `json:"name"`
	Context int    `json:"context"`
	Stride  int    `json:"stride"`
	Start   int32  `json:"start_token"` // -1 if there is none
	Each    bool   `json:"start_before_every_window"`
	Seed    uint64 `json:"interval_seed"`
}

func (w *weighing) ruleReport(r *score.Rule) ruleReport {
	return ruleReport{r.Name, r.Context, r.Stride, r.Start, r.Each, w.cmd.Seed}
}

// figures are what intervals are made of.
var figures = []func(*score.Block) float64{(*score.Block).BitsPerByte, (*score.Block).Difference, (*score.Block).Divergence, (*score.Block).Agreement}

func ends(i score.Interval) *[2]float64 {
	if i.Blocks == 0 {
		return nil
	}
	return &[2]float64{i.Low, i.High}
}

// measure fills in what follows from the sums of texts.
func (w *weighing) measure(r *weighReport, sum *score.Block, texts []*score.Result, kl []float32) {
	r.Computed, r.Model, r.Rule = true, w.a.report(), w.ruleReport(w.a.rule)
	r.ScoredBytes, r.ScoredTokens, r.Bits = &sum.Bytes, &sum.Tokens, &sum.Bits
	n := len(figures)
	if w.b == nil {
		n = 1
	}
	intervals := score.Bootstrap(texts, w.cmd.Seed, figures[:n]...)
	r.Interval = ends(intervals[0])
	if sum.Bytes > 0 {
		r.BitsPerByte = new(sum.BitsPerByte())
	}
	if sum.Tokens > 0 {
		r.BitsPerToken = new(sum.BitsPerToken())
	}
	if w.b == nil {
		return
	}
	a := &againstReport{Bits: &sum.OtherBits, DifferenceInterval: ends(intervals[1]), Model: w.b.report(), Rule: w.ruleReport(w.b.rule)}
	if sum.Bytes > 0 {
		a.BitsPerByte, a.Difference = new(sum.OtherBitsPerByte()), new(sum.Difference())
	}
	if r.Against = a; !w.paired() {
		return
	}
	a.Rule = r.Rule
	a.KLInterval, a.AgreementInterval = ends(intervals[2]), ends(intervals[3])
	if sum.Tokens > 0 {
		a.KL, a.Agreement = new(sum.Divergence()), new(sum.Agreement())
	}
	if len(kl) > 0 {
		kl = slices.Clone(kl)
		slices.Sort(kl)
		a.KLMedian, a.KL99, a.KLMost = new(score.Quantile(kl, 0.5)), new(score.Quantile(kl, 0.99)), new(score.Quantile(kl, 1))
	}
}

// report describes one text.
func (w *weighing) report(row *weighRow) *weighReport {
	r := &weighReport{File: row.name, Bytes: &row.Bytes, Tokens: &row.Tokens, Windows: &row.Windows}
	w.measure(r, &row.Sum, []*score.Result{row.Result}, row.KL)
	if row.Sum.Tokens == 0 {
		return r
	}
	switch w.cmd.As {
	case "llama.cpp":
		r.Perplexity, r.PerplexityError = &row.Perplexity, &row.PerplexityError
	case "hf":
		r.Perplexity = &row.Perplexity
	case "harness":
		r.BytePerplexity = new(score.Perplexity(row.Sum.Bits, row.Sum.Bytes))
		r.WordPerplexity = new(score.Perplexity(row.Sum.Bits, int64(row.words)))
	}
	return r
}

// weighted describes all texts as one.
func (w *weighing) weighted() *weighReport {
	var bytes, tokens int64
	var windows int
	var sum score.Block
	var texts []*score.Result
	var kl []float32
	for _, row := range w.rows {
		bytes, tokens, windows = bytes+row.Bytes, tokens+row.Tokens, windows+row.Windows
		texts, kl = append(texts, row.Result), append(kl, row.KL...)
		sum.Add(&row.Sum)
	}
	r := &weighReport{Total: "weighted", Files: len(w.rows), Bytes: &bytes, Tokens: &tokens, Windows: &windows}
	w.measure(r, &sum, texts, kl)
	return r
}

// macro describes the mean over the files that have bytes.
func (w *weighing) macro() *weighReport {
	var first, difference []float64
	for _, row := range w.rows {
		if row.Sum.Bytes > 0 {
			first, difference = append(first, row.Sum.BitsPerByte()), append(difference, row.Sum.Difference())
		}
	}
	r := &weighReport{Total: "macro", Files: len(first), Computed: true, Model: w.a.report(), Rule: w.ruleReport(w.a.rule)}
	if w.b != nil {
		r.Against = &againstReport{Model: w.b.report(), Rule: w.ruleReport(w.b.rule)}
	}
	if len(first) == 0 {
		return r
	}
	mean, more := score.Mean(first), score.Mean(difference)
	r.BitsPerByte, r.Interval = &mean, ends(score.Means(first, w.cmd.Seed))
	if a := r.Against; a != nil {
		a.BitsPerByte, a.Difference, a.DifferenceInterval = new(mean+more), &more, ends(score.Means(difference, w.cmd.Seed))
	}
	return r
}

// print prints the table, or the totals as JSON.
func (w *weighing) print() error {
	var totals []*weighReport
	if len(w.rows) > 1 {
		totals = []*weighReport{w.weighted(), w.macro()}
	}
	if w.app.json {
		for _, t := range totals {
			w.app.printJSON(t)
		}
		return nil
	}
	if len(w.rows) == 0 {
		return nil
	}
	var reports []*weighReport
	for _, row := range w.rows {
		reports = append(reports, w.report(row))
	}
	reports = append(reports, totals...)
	last := reports[0]
	if len(totals) > 0 {
		last = totals[0]
	}
	_, err := fmt.Fprint(w.app.stdout, w.head(last), w.table(reports), w.verdict(last))
	return err
}

// head says what was used and how.
func (w *weighing) head(r *weighReport) string {
	var b strings.Builder
	fmt.Fprintf(&b, "model: %s\n", r.Model.line())
	if w.b != nil {
		fmt.Fprintf(&b, "against: %s\n", r.Against.Model.line())
	}
	fmt.Fprintf(&b, "tokenizer: %s, %d tokens, sha256 %.16s\n", r.Model.Tokenizer, r.Model.Vocab, r.Model.TokenHash)
	if w.b != nil && !w.paired() {
		o := r.Against.Model
		fmt.Fprintf(&b, "tokenizer: %s, %d tokens, sha256 %.16s, of the second model\n", o.Tokenizer, o.Vocab, o.TokenHash)
	}
	fmt.Fprintf(&b, "rule: %s\n", w.a.ruleLine())
	if w.b != nil && !w.paired() && w.b.ruleLine() != w.a.ruleLine() {
		fmt.Fprintf(&b, "rule: %s, for the second model\n", w.b.ruleLine())
	}
	fmt.Fprintf(&b, "figures: computed, no file was made; 95 %% intervals by bootstrap over blocks of the text, seed %d\n", w.cmd.Seed)
	return b.String()
}

// ruleLine says what the rule does.
func (s *scale) ruleLine() string {
	r := s.rule
	before := "nothing before the text, its first token is not scored"
	if r.Start != vocab.None {
		name := strings.TrimSpace(string(s.tok.Pieces[r.Start]))
		before = fmt.Sprintf("%s before the text", name)
		if r.Each {
			before = fmt.Sprintf("%s before every window", name)
		}
	} else if r.Name == "every" || r.Name == "harness" {
		before = "nothing before the text, its first token costs the logarithm of the vocabulary"
	}
	switch r.Name {
	case "llama.cpp":
		return fmt.Sprintf("of llama.cpp: windows of %d tokens, the second half of each is scored, the tail of the text is not; %s", r.Context, before)
	case "harness":
		return fmt.Sprintf("of lm-evaluation-harness: every token once; windows of %d tokens, one after the other; %s", r.Context, before)
	case "hf":
		return fmt.Sprintf("of Hugging Face's guide: windows of %d tokens that advance by %d; %s", r.Context, r.Stride, before)
	}
	return fmt.Sprintf("every byte once; windows of %d tokens that advance by %d; %s", r.Context, r.Stride, before)
}

// figure prints a number that may not be there.
func figure(format string, v *float64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf(format, *v)
}

// number prints a sum, which a mean has not.
func number(n *int64) string {
	if n == nil {
		return ""
	}
	return fmt.Sprint(*n)
}

func between(format string, i *[2]float64) string {
	if i == nil {
		return "-"
	}
	return fmt.Sprintf(format+" to "+format, i[0], i[1])
}

func (w *weighing) table(reports []*weighReport) string {
	head := []string{"file", "bytes", "tokens", "bits/byte", "95 %", "bits/token"}
	switch {
	case w.b != nil:
		head = []string{"file", "bytes", "bits/byte", "second", "more", "95 %"}
		if w.paired() {
			head = append(head, "KL bits/token", "same first guess")
		}
	case w.cmd.As == "harness":
		head = append(head, "byte perplexity", "word perplexity")
	case w.cmd.As != "kolm":
		head = slices.Insert(append(head, "perplexity"), 3, "scored bytes")
	default:
		head = append(head, "bytes at that rate")
	}
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	line := func(cells []string) { fmt.Fprintln(t, strings.Join(cells, "\t")+"\t") }
	width := len(head[0])
	for _, r := range reports {
		width = max(width, len([]rune(r.title())))
	}
	head[0] = fmt.Sprintf("%-*s", width, head[0])
	line(head)
	for _, r := range reports {
		line(append([]string{fmt.Sprintf("%-*s", width, r.title())}, w.cells(r)...))
	}
	t.Flush()
	lines := strings.Split(b.String(), "\n") // the file's name stands at the left border
	for i, l := range lines {
		lines[i] = strings.TrimRight(strings.TrimPrefix(l, "  "), " ")
	}
	return strings.Join(lines, "\n")
}

// title is what a row is called.
func (r *weighReport) title() string {
	switch r.Total {
	case "weighted":
		return fmt.Sprintf("all %d files as one", r.Files)
	case "macro":
		return fmt.Sprintf("mean of %d files", r.Files)
	}
	return r.File
}

func (w *weighing) cells(r *weighReport) []string {
	bytes, tokens := number(r.Bytes), number(r.Tokens)
	perByte := figure("%.4f", r.BitsPerByte)
	if a := r.Against; a != nil {
		list := []string{bytes, perByte, figure("%.4f", a.BitsPerByte), figure("%+.4f", a.Difference), between("%+.4f", a.DifferenceInterval)}
		if w.paired() {
			list = append(list, figure("%.5f", a.KL), figure("%.2f%%", scaled(a.Agreement, 100)))
		}
		return list
	}
	if w.cmd.As == "llama.cpp" || w.cmd.As == "hf" { // they leave parts out
		tokens += "\t" + number(r.ScoredBytes)
	}
	list := []string{bytes, tokens, perByte, between("%.4f", r.Interval), figure("%.4f", r.BitsPerToken)}
	switch {
	case w.cmd.As == "harness":
		return append(list, figure("%.4f", r.BytePerplexity), figure("%.4f", r.WordPerplexity))
	case w.cmd.As == "llama.cpp" && r.Perplexity != nil:
		return append(list, fmt.Sprintf("%.4f +/- %.5f", *r.Perplexity, *r.PerplexityError))
	case w.cmd.As != "kolm":
		return append(list, figure("%.4f", r.Perplexity))
	case r.Bits == nil:
		return append(list, "")
	}
	return append(list, fmt.Sprintf("%.0f", *r.Bits/8))
}

func scaled(v *float64, by float64) *float64 {
	if v == nil {
		return nil
	}
	return new(*v * by)
}

// verdict says in words what a comparison came to.
func (w *weighing) verdict(r *weighReport) string {
	a := r.Against
	if a == nil || r.BitsPerByte == nil {
		return ""
	}
	more, i := *a.Difference, a.DifferenceInterval
	part := fmt.Sprintf("%.2f%%", 100*max(more, -more)/max(*r.BitsPerByte, 1e-12))
	switch {
	case more == 0 && (a.KL == nil || *a.KL == 0):
		return "verdict: the models give the same figures\n"
	case i == nil:
		return fmt.Sprintf("verdict: the second model needs %s %s; this is too little text to say how sure that is\n", part, moreOrLess(more))
	case i[0] <= 0 && i[1] >= 0:
		return "verdict: this text does not tell which of the models needs fewer bits: the interval holds 0\n"
	}
	return fmt.Sprintf("verdict: the second model needs %s %s than the first on texts like these (95 %%: %+.4f to %+.4f bits a byte)\n", part, moreOrLess(more), i[0], i[1])
}

func moreOrLess(d float64) string {
	if d < 0 {
		return "fewer bits"
	}
	return "more bits"
}
