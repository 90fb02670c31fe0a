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
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// inks are colours that people who see colours differently tell apart (Okabe
// and Ito, 2008).
var inks = []color.RGBA{
	{0, 114, 178, 255}, {213, 94, 0, 255}, {0, 158, 115, 255}, {204, 121, 167, 255},
	{230, 159, 0, 255}, {86, 180, 233, 255}, {0, 0, 0, 255},
}

// shapes tell lines apart that lie one on the other.
var shapes = []draw.GlyphDrawer{draw.CircleGlyph{}, draw.SquareGlyph{}, draw.TriangleGlyph{}, draw.CrossGlyph{}, draw.BoxGlyph{}, draw.PlusGlyph{}, draw.RingGlyph{}}

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
		if err := p.write(format, name); err != nil {
			return names, err
		}
		names = append(names, name)
	}
	return names, nil
}

// The size of a picture, and what is free at its edges.
const (
	width  = 20 * vg.Centimeter
	height = 12 * vg.Centimeter
	margin = 3 * vg.Millimeter
)

// picture is a plot with its legend beside it, where it hides no line.
type picture struct {
	*plot.Plot
	legend  plot.Legend
	entries int
	marked  bool
}

// sans sets a text in letters without serifs.
func sans(s *text.Style, size vg.Length) {
	s.Font = font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
}

func newPicture() *picture {
	p := &picture{Plot: plot.New(), legend: plot.NewLegend()}
	sans(&p.Title.TextStyle, 13)
	sans(&p.legend.TextStyle, 10)
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		sans(&axis.Label.TextStyle, 11)
		sans(&axis.Tick.Label, 10)
		axis.Label.Padding = vg.Points(4)
		axis.Tick.Marker = plainTicks{}
	}
	p.Title.Padding = vg.Points(8)
	p.legend.Top, p.legend.Left = true, true
	p.legend.Padding = vg.Points(4)
	return p
}

func (p *picture) explain(name string, thumbs ...plot.Thumbnailer) {
	p.legend.Add(name, thumbs...)
	p.entries++
}

func (p *picture) write(format, name string) error {
	canvas, err := draw.NewFormattedCanvas(width, height, format)
	if err != nil {
		return err
	}
	whole := draw.New(canvas)
	whole.SetColor(color.White)
	whole.Fill(whole.Path())
	inner := draw.Crop(whole, margin, -margin, margin, -margin)
	if p.entries > 1 || p.marked {
		size := p.legend.Rectangle(inner).Size()
		beside := size.X + 2*margin
		p.legend.Draw(draw.Crop(inner, inner.Size().X-size.X, 0, 0, -vg.Points(30)))
		inner = draw.Crop(inner, 0, -beside, 0, 0)
	}
	p.Draw(inner)
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	if _, err := canvas.WriteTo(io.Writer(f)); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

func (c *Chart) draw() (*picture, error) {
	p := newPicture()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = c.Title, c.X, c.Y
	if c.LogX {
		p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
		if ticks := c.ownTicks(); ticks != nil {
			p.X.Tick.Marker = ticks
		}
	}
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = color.Gray{225}, color.Gray{225}
	p.Add(grid)
	for i, l := range c.Lines {
		if err := l.add(p, i); err != nil {
			return nil, fmt.Errorf("line %s: %w", l.Name, err)
		}
	}
	if err := c.bars(p); err != nil {
		return nil, err
	}
	if err := c.mark(p); err != nil {
		return nil, err
	}
	// Where zero is near it is shown: distances to it are what is looked for.
	if p.Y.Min > 0 && p.Y.Min < p.Y.Max/2 {
		p.Y.Min = 0
	}
	return p, nil
}

// plainTicks are numbered without zeros at their ends.
type plainTicks struct{ plot.DefaultTicks }

func (t plainTicks) Ticks(from, to float64) []plot.Tick {
	ticks := t.DefaultTicks.Ticks(from, to)
	for i := range ticks {
		if ticks[i].Label != "" {
			ticks[i].Label = strconv.FormatFloat(ticks[i].Value, 'g', 9, 64)
		}
	}
	return ticks
}

// ownTicks are the places on a logarithmic axis where there are points, if these are
// few; it is nil otherwise.
func (c *Chart) ownTicks() plot.ConstantTicks {
	var at []float64
	for _, l := range c.Lines {
		at = append(at, l.X...)
	}
	slices.Sort(at)
	at = slices.Compact(at)
	if len(at) < 2 || len(at) > 12 || len(c.Marks) > 0 {
		return nil
	}
	room := math.Log(at[len(at)-1]/at[0]) / 14 // that a label takes
	var ticks plot.ConstantTicks
	last := math.Inf(-1)
	for _, x := range at {
		t := plot.Tick{Value: x}
		if math.Log(x)-last >= room {
			t.Label, last = strconv.FormatFloat(x, 'g', 7, 64), math.Log(x)
		}
		ticks = append(ticks, t)
	}
	return ticks
}

// bars draws the bars, the first on top.
func (c *Chart) bars(p *picture) error {
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
		p.explain(what, bars)
	}
	p.NominalY(names...)
	p.X.Max *= 1.03
	return nil
}

// add draws line i.
func (l *Line) add(p *picture, i int) error {
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
	line.Width, marks.Shape, marks.Radius = vg.Points(1.5), shapes[i%len(shapes)], vg.Points(3)
	if i >= len(inks) {
		line.Dashes = []vg.Length{vg.Points(4), vg.Points(3)}
	}
	p.Add(line, marks)
	p.explain(l.Name, line, marks)
	return nil
}

// mark draws the marks and their names.
func (c *Chart) mark(p *picture) error {
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
	for i := range names.TextStyle {
		sans(&names.TextStyle[i], 10)
	}
	names.Offset = vg.Point{X: vg.Points(4), Y: vg.Points(3)}
	p.Add(dots, names)
	p.marked = true
	// The names stand to the right of their points.
	if c.LogX {
		p.X.Max *= math.Pow(p.X.Max/p.X.Min, .12)
	} else {
		p.X.Max += .12 * (p.X.Max - p.X.Min)
	}
	return nil
}
