package lab

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
