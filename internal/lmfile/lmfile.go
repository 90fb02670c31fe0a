package lmfile

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"kolm/internal/lm"
	"kolm/internal/mmap"
	"kolm/internal/modelfile"
	"kolm/internal/safetensors"
)

// Format names how a model is stored.
type Format string

// The formats.
const (
	GGUF        Format = "gguf"
	Safetensors Format = "safetensors"
	Llama2C     Format = "llama2.c"
)

// File is an open model.
type File struct {
	Path   string
	Format Format
	Arch   string // architecture, as the file names it
	Name   string // of the model, where the file gives one
	Model  *lm.Model

	Parameters int64          // numbers in all tensors of the model
	Types      map[string]int // how many tensors have each storage type
	Size       int64          // bytes of the files

	Keys *modelfile.GGUF // metadata of a GGUF file, the tokenizer among it; else nil
	Dir  string          // folder of a safetensors model, with its tokenizer.json; else ""

	files []string // that make up the content, in the order of the hash
	close func() error
	hash  func() ([32]byte, error)
}

// Open opens a model: a GGUF file, a llama2.c checkpoint, a folder with
// config.json and safetensors files, or one of the files in such a folder. keep is
// how many bytes of widened weights the model may keep; see lm.DefaultKeep.
func Open(path string, keep int64) (*File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	base := filepath.Base(path)
	if !info.IsDir() && (filepath.Ext(base) == ".safetensors" || base == configFile || base == safetensors.IndexFile) {
		path = filepath.Dir(path)
		info, err = os.Stat(path)
		if err != nil {
			return nil, err
		}
	}
	f := &File{Path: path}
	f.hash = sync.OnceValues(f.sum)
	var b *builder
	if info.IsDir() {
		b, err = f.openFolder()
	} else {
		b, err = f.openFile()
	}
	if err == nil {
		f.Model, err = lm.New(b.config, &b.weights, keep)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	f.Parameters, f.Types = b.parameters, b.types
	return f, nil
}

// openFile opens a model that is one file.
func (f *File) openFile() (*builder, error) {
	m, err := mmap.Open(f.Path)
	if err != nil {
		return nil, err
	}
	f.close, f.files, f.Size = m.Close, []string{f.Path}, int64(len(m.Data))
	if isLlama2C(m.Data, f.Path) {
		f.Format, f.Arch = Llama2C, "llama"
		return readLlama2C(m.Data)
	}
	return f.parse(m.Data)
}

// parse reads a GGUF file.
func (f *File) parse(data []byte) (*builder, error) {
	f.Format, f.Size = GGUF, int64(len(data))
	var err error
	if f.Keys, err = modelfile.Parse(data); err != nil {
		return nil, err
	}
	b, err := readGGUF(f.Keys)
	if err != nil {
		return nil, err
	}
	f.Arch = b.config.Arch
	if v, ok := f.Keys.Get("general.name"); ok {
		f.Name, _ = v.Text()
	}
	return b, nil
}

// openFolder opens a safetensors folder.
func (f *File) openFolder() (*builder, error) {
	f.Format, f.Dir = Safetensors, f.Path
	c, err := readConfig(filepath.Join(f.Path, configFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no model: want a GGUF file, a llama2.c checkpoint, or a folder with %s and *.safetensors", configFile)
	}
	if err != nil {
		return nil, err
	}
	folder, err := safetensors.OpenFolder(f.Path)
	if err != nil {
		return nil, err
	}
	f.close = folder.Close
	f.Arch, f.Name = c.ModelType, c.Name
	for _, name := range append([]string{configFile}, folder.Files...) {
		path := filepath.Join(f.Path, name)
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		f.files, f.Size = append(f.files, path), f.Size+info.Size()
	}
	return readFolder(c, folder.Tensors)
}

// Hash returns the SHA-256 of the content. Of a file it is what sha256sum prints;
// of a folder it is that of what "sha256sum config.json *.safetensors" prints, for
// the files that make up the model. It reads everything, the first time.
func (f *File) Hash() ([32]byte, error) { return f.hash() }

func (f *File) sum() ([32]byte, error) {
	if f.Dir == "" {
		return sumFile(f.files[0])
	}
	all := sha256.New()
	for _, path := range f.files {
		s, err := sumFile(path)
		if err != nil {
			return s, err
		}
		fmt.Fprintf(all, "%x  %s\n", s, filepath.Base(path))
	}
	return [32]byte(all.Sum(nil)), nil
}

func sumFile(path string) (sum [32]byte, err error) {
	m, err := mmap.Open(path)
	if err != nil {
		return sum, err
	}
	defer m.Close()
	return sha256.Sum256(m.Data), nil
}

// Close gives the memory back. The model must not be used any more.
func (f *File) Close() error {
	if f.close == nil {
		return nil
	}
	return f.close()
}
