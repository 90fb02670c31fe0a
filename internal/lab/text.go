package lab

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
)

// WriteText prints a result to be read: tables, notes, what was checked, and
// the verdict. Checks that hold are listed only if all is true.
func (r *Result) WriteText(w io.Writer, all bool) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", r.Name, r.Question)
	for _, t := range r.Tables {
		t.write(&b)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "\nnote: %s\n", n)
	}
	fmt.Fprintf(&b, "\n")
	held := 0
	for _, c := range r.Checks {
		if c.Pass {
			held++
		}
		if all || !c.Pass {
			fmt.Fprintf(&b, "%s\n", c)
		}
	}
	fmt.Fprintf(&b, "%s: %s: %d of %d checks hold: %s\n", r.Name, verdict(r.Pass), held, len(r.Checks), r.Criterion)
	_, err := io.WriteString(w, b.String())
	return err
}

func verdict(pass bool) string {
	if pass {
		return "pass"
	}
	return "FAIL"
}

// String is one line of a check.
func (c Check) String() string {
	want := cell(c.Want)
	if c.Relation == "=" && c.Tolerance > 0 {
		want += " ± " + cell(Number(c.Tolerance))
	}
	mark := "ok"
	if !c.Pass {
		mark = "FAIL"
	}
	return fmt.Sprintf("%-4s %s: %s %s %s", mark, c.What, cell(c.Got), c.Relation, want)
}

func (t Table) write(b *strings.Builder) {
	fmt.Fprintf(b, "\n%s\n", t.Title)
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "  %s\n", strings.Join(t.Columns, "\t"))
	for _, row := range t.Rows {
		var cells []string
		for _, c := range row {
			cells = append(cells, cell(c))
		}
		fmt.Fprintf(w, "  %s\n", strings.Join(cells, "\t"))
	}
	w.Flush()
}

// cell prints a figure with the digits that matter.
func cell(v any) string {
	n, ok := v.(Number)
	if !ok {
		return fmt.Sprint(v)
	}
	f := float64(n)
	if f == float64(int64(f)) && f > -1e9 && f < 1e9 {
		return strconv.FormatInt(int64(f), 10)
	}
	return strconv.FormatFloat(f, 'g', 8, 64)
}
