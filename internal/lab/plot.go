package lab

import (
	"fmt"

	"kolm/internal/chart"
)

// WritePlots draws the plots of a result into a folder, NAME-PLOT.svg and .png,
// and returns the names of the files.
func (r *Result) WritePlots(dir string) ([]string, error) {
	var names []string
	for _, p := range r.Plots {
		p.Name = r.Name + "-" + p.Name
		files, err := p.Write(dir)
		if names = append(names, files...); err != nil {
			return names, err
		}
	}
	return names, nil
}

// plot adds a picture of lines.
func (r *run) plot(name, title, x, y string, logX bool, lines ...chart.Line) {
	r.Plots = append(r.Plots, chart.Chart{Name: name, Title: title, X: x, Y: y, LogX: logX, Lines: lines})
}

// bars adds a picture of rows of a table: a bar a row, with its name in one column
// and its parts in others. A part below zero has no bar.
func (r *run) bars(name, title, x string, t *Table, rows [][]any, label int, parts ...int) {
	c := chart.Chart{Name: name, Title: title, X: x}
	for _, p := range parts {
		c.Parts = append(c.Parts, t.Columns[p])
	}
	for _, row := range rows {
		b := chart.Bar{Name: fmt.Sprint(row[label])}
		for _, p := range parts {
			b.Parts = append(b.Parts, max(0, figure(row[p])))
		}
		c.Bars = append(c.Bars, b)
	}
	r.Plots = append(r.Plots, c)
}

// column is a line through the figures of two columns of a table.
func (t *Table) column(x, y int) chart.Line {
	l := chart.Line{Name: t.Columns[y]}
	for _, row := range t.Rows {
		l.Add(figure(row[x]), figure(row[y]))
	}
	return l
}

// figure is a number in a cell of a table.
func figure(cell any) float64 {
	switch v := cell.(type) {
	case Number:
		return float64(v)
	case int:
		return float64(v)
	case uint64:
		return float64(v)
	}
	panic(fmt.Sprintf("%v is no figure", cell))
}
