package safetensors

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"kolm/internal/mmap"
)

// The names that a folder's weights have: one file, or an index of several.
const (
	SingleFile = "model.safetensors"
	IndexFile  = "model.safetensors.index.json"
)

// maxIndex bounds the length of an index.
const maxIndex = 64 << 20

// Folder is the tensors of a folder, its files mapped into memory.
type Folder struct {
	Tensors map[string]*Tensor
	Files   []string // base names, sorted
	mapped  []*mmap.File
}

// OpenFolder opens the weights in a folder: those that the index names or else
// those of the single file.
func OpenFolder(dir string) (*Folder, error) {
	f := &Folder{Tensors: map[string]*Tensor{}}
	where, err := readIndex(dir)
	if errors.Is(err, fs.ErrNotExist) {
		f.Files, err = []string{SingleFile}, nil
	}
	for _, file := range where {
		if !slices.Contains(f.Files, file) {
			f.Files = append(f.Files, file)
		}
	}
	slices.Sort(f.Files)
	for _, name := range f.Files {
		if err == nil {
			err = f.add(filepath.Join(dir, name))
		}
	}
	if err == nil {
		err = f.check(dir, where)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// readIndex returns the file of every tensor by its name.
func readIndex(dir string) (map[string]string, error) {
	path := filepath.Join(dir, IndexFile)
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxIndex {
		return nil, fmt.Errorf("%s: %d bytes, at most %d are read", path, info.Size(), maxIndex)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var index struct {
		Map map[string]string `json:"weight_map"`
	}
	if err := json.Unmarshal(b, &index); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(index.Map) == 0 {
		return nil, fmt.Errorf("%s: no weight_map", path)
	}
	for tensor, file := range index.Map {
		if file != filepath.Base(file) || !filepath.IsLocal(file) {
			return nil, fmt.Errorf("%s: tensor %q is in %q, which is not a file of the folder", path, tensor, file)
		}
	}
	return index.Map, nil
}

// add maps one file.
func (f *Folder) add(path string) error {
	m, err := mmap.Open(path)
	if err != nil {
		return err
	}
	f.mapped = append(f.mapped, m)
	list, err := Parse(m.Data)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for i := range list {
		t := &list[i]
		if f.Tensors[t.Name] != nil {
			return fmt.Errorf("%s: tensor %q is in another file too", path, t.Name)
		}
		f.Tensors[t.Name] = t
	}
	return nil
}

// check reports a tensor of the index that is in no file.
func (f *Folder) check(dir string, where map[string]string) error {
	for tensor, file := range where {
		if f.Tensors[tensor] == nil {
			return fmt.Errorf("%s: tensor %q, which the index names, is missing", filepath.Join(dir, file), tensor)
		}
	}
	return nil
}

// Close gives the memory back; tensors must not be used any more.
func (f *Folder) Close() error {
	var errs []error
	for _, m := range f.mapped {
		errs = append(errs, m.Close())
	}
	return errors.Join(errs...)
}
