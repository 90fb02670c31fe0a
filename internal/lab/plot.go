package lab

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
)

// inks are colours that people who see colours differently tell apart (Okabe
// and Ito, 2008).
var inks = []color.RGBA{
	{0, 114, 178, 255}, {213, 94, 0, 255}, {0, 158, 115, 255}, {204, 121, 167, 255},
	{230, 159, 0, 255}, {86, 180, 233, 255}, {0, 0, 0, 255},
}

// WritePlots draws the plots of a result into a folder, NAME-PLOT.svg and .png,
// and returns the names of the files.
func (r *Result) WritePlots(dir string) ([]string, error) {
	var names []string
	for _, p := range r.Plots {
		drawn, err := p.draw()
		if err != nil {
			return names, fmt.Errorf("plot %s of %s: %w", p.Name, r.Name, err)
		}
		for _, format := range []string{"svg", "png"} {
			name := filepath.Join(dir, fmt.Sprintf("%s-%s.%s", r.Name, p.Name, format))
			if err := writePlot(drawn, format, name); err != nil {
				return names, err
			}
			names = append(names, name)
		}
	}
	return names, nil
}

func writePlot(p *plot.Plot, format, name string) error {
	w, err := p.WriterTo(16*vg.Centimeter, 11*vg.Centimeter, format)
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

func (p Plot) draw() (*plot.Plot, error) {
	d := plot.New()
	d.Title.Text, d.X.Label.Text, d.Y.Label.Text = p.Title, p.X, p.Y
	d.Legend.Top, d.Legend.Left = true, p.rises()
	if p.LogX {
		d.X.Scale, d.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	}
	d.Add(plotter.NewGrid())
	for i, l := range p.Lines {
		points, err := l.points()
		if err != nil {
			return nil, err
		}
		line, marks, err := plotter.NewLinePoints(points)
		if err != nil {
			return nil, fmt.Errorf("line %s: %w", l.Name, err)
		}
		ink := inks[i%len(inks)]
		line.Color, marks.Color = ink, ink
		if i >= len(inks) {
			line.Dashes = []vg.Length{vg.Points(4), vg.Points(3)}
		}
		d.Add(line, marks)
		d.Legend.Add(l.Name, line, marks)
	}
	return d, nil
}

// rises tells whether the lines end higher than they begin: then the corner at
// the top left is free for the legend.
func (p Plot) rises() bool {
	slope := 0.0
	for _, l := range p.Lines {
		if n := len(l.Y); n > 0 {
			slope += l.Y[n-1] - l.Y[0]
		}
	}
	return slope > 0
}

func (l Line) points() (plotter.XYs, error) {
	if len(l.X) != len(l.Y) {
		return nil, fmt.Errorf("line %s has %d x and %d y", l.Name, len(l.X), len(l.Y))
	}
	points := make(plotter.XYs, len(l.X))
	for i := range points {
		points[i] = plotter.XY{X: l.X[i], Y: l.Y[i]}
	}
	return points, nil
}

// add appends a point, if it has a place on paper.
func (l *Line) add(x, y float64) {
	if !math.IsInf(y, 0) && !math.IsNaN(y) {
		l.X, l.Y = append(l.X, x), append(l.Y, y)
	}
}
