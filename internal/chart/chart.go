// Package chart draws the pictures that kolm's reports come with, as SVG and as
// PNG. It must not know what the numbers mean.
package chart

import (
	"fmt"
	"image/color"
	"io"
	"math"
	"os"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// inks are colours that people who see colours differently tell apart (Okabe
// and Ito, 2008).
var inks = []color.RGBA{
	{0, 114, 178, 255}, {213, 94, 0, 255}, {0, 158, 115, 255}, {204, 121, 167, 255},
	{230, 159, 0, 255}, {86, 180, 233, 255}, {0, 0, 0, 255},
}

// Chart is a picture of lines and marks in one pair of axes, or of bars.
type Chart struct {
	Name  string `json:"name"` // of its files
	Title string `json:"title"`
	X     string `json:"x"` // what the axes show, with units
	Y     string `json:"y"`
	LogX  bool   `json:"log_x"`
	Lines []Line `json:"lines"`
	Marks []Mark `json:"marks,omitempty"`

	// Bars lie one below the other with their names at the left; then Y has no
	// meaning. Parts names what they consist of.
	Parts []string `json:"parts,omitempty"`
	Bars  []Bar    `json:"bars,omitempty"`
}

// Bar is a bar of parts, from left to right.
type Bar struct {
	Name  string    `json:"name"`
	Parts []float64 `json:"parts"`
}

// Line is a row of points, joined. Points without a finite Y are left out.
type Line struct {
	Name string    `json:"name"`
	X    []float64 `json:"x"`
	Y    []float64 `json:"y"`
}

// Add appends a point.
func (l *Line) Add(x, y float64) { l.X, l.Y = append(l.X, x), append(l.Y, y) }

// Mark is a single point with its name beside it.
type Mark struct {
	Name string  `json:"name"`
	X    float64 `json:"x"`
	Y    float64 `json:"y"`
}

// Write draws c into a folder, NAME.svg and NAME.png, and returns the names of
// the files.
func (c *Chart) Write(dir string) ([]string, error) {
	p, err := c.draw()
	if err != nil {
		return nil, fmt.Errorf("chart %s: %w", c.Name, err)
	}
	var names []string
	for _, format := range []string{"svg", "png"} {
		name := filepath.Join(dir, c.Name+"."+format)
		if err := write(p, format, name); err != nil {
			return names, err
		}
		names = append(names, name)
	}
	return names, nil
}

// The size of a picture.
const (
	width  = 18 * vg.Centimeter
	height = 12 * vg.Centimeter
)

func write(p *plot.Plot, format, name string) error {
	w, err := p.WriterTo(width, height, format)
	if err != nil {
		return err
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	if _, err := w.WriteTo(io.Writer(f)); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

func (c *Chart) draw() (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = c.Title, c.X, c.Y
	p.Legend.Top = true
	if c.LogX {
		p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	}
	p.Add(plotter.NewGrid())
	for i, l := range c.Lines {
		if err := l.add(p, i); err != nil {
			return nil, fmt.Errorf("line %s: %w", l.Name, err)
		}
	}
	if err := c.bars(p); err != nil {
		return nil, err
	}
	if len(c.Bars) == 0 { // room for the legend above the lines
		p.Y.Max += .15 * (p.Y.Max - p.Y.Min)
	}
	return p, c.mark(p)
}

// bars draws the bars, the first on top.
func (c *Chart) bars(p *plot.Plot) error {
	if len(c.Bars) == 0 {
		return nil
	}
	names := make([]string, len(c.Bars))
	var below *plotter.BarChart
	for part, what := range c.Parts {
		values := make(plotter.Values, len(c.Bars))
		for i, b := range c.Bars {
			at := len(c.Bars) - 1 - i
			if len(b.Parts) != len(c.Parts) {
				return fmt.Errorf("bar %s has %d parts, want %d", b.Name, len(b.Parts), len(c.Parts))
			}
			names[at], values[at] = " "+b.Name, b.Parts[part] // the longest name is cut without the space
		}
		bars, err := plotter.NewBarChart(values, 0.7*height/vg.Length(len(c.Bars)+3))
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		bars.Horizontal, bars.Color, bars.LineStyle.Width = true, inks[part%len(inks)], 0
		if below != nil {
			bars.StackOn(below)
		}
		below = bars
		p.Add(bars)
		p.Legend.Add(what, bars)
	}
	p.NominalY(names...)
	p.X.Max *= 1.03
	p.Legend.Top = false
	return nil
}

// add draws line i.
func (l *Line) add(p *plot.Plot, i int) error {
	if len(l.X) != len(l.Y) {
		return fmt.Errorf("%d x and %d y", len(l.X), len(l.Y))
	}
	var points plotter.XYs
	for i := range l.X {
		if !math.IsInf(l.Y[i], 0) && !math.IsNaN(l.Y[i]) {
			points = append(points, plotter.XY{X: l.X[i], Y: l.Y[i]})
		}
	}
	line, marks, err := plotter.NewLinePoints(points)
	if err != nil {
		return err
	}
	ink := inks[i%len(inks)]
	line.Color, marks.Color = ink, ink
	if i >= len(inks) {
		line.Dashes = []vg.Length{vg.Points(4), vg.Points(3)}
	}
	p.Add(line, marks)
	p.Legend.Add(l.Name, line, marks)
	return nil
}

// mark draws the marks and their names.
func (c *Chart) mark(p *plot.Plot) error {
	if len(c.Marks) == 0 {
		return nil
	}
	var l plotter.XYLabels
	for _, m := range c.Marks {
		l.XYs = append(l.XYs, plotter.XY{X: m.X, Y: m.Y})
		l.Labels = append(l.Labels, m.Name)
	}
	dots, err := plotter.NewScatter(l.XYs)
	if err != nil {
		return err
	}
	dots.Shape, dots.Color = draw.CircleGlyph{}, inks[0]
	names, err := plotter.NewLabels(l)
	if err != nil {
		return err
	}
	names.Offset = vg.Point{X: vg.Points(4), Y: vg.Points(3)}
	p.Add(dots, names)
	return nil
}
