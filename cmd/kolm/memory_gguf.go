package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"

	"kolm/internal/lm"
	"kolm/internal/lmfile"
	"kolm/internal/memory"
	"kolm/internal/modelfile"
)

// An edited file keeps what an edit replaced in keys kolm.edit.N.*, N counting
// edits from 0, so that it can be taken back bit for bit.
const editKey = "kolm.edit."

// editedFile returns the GGUF file with the changed tensors, as F32.
func editedFile(g *modelfile.GGUF, r *editReport, facts []memory.Fact) ([]byte, error) {
	p := editKey + fmt.Sprint(edits(g)) + "."
	keys := append(slices.Clone(g.Keys), modelfile.KV{Key: p + "parent", Value: modelfile.Text(r.Parent)}, modelfile.KV{Key: p + "method", Value: modelfile.Text(r.Method)})
	for i, f := range facts {
		keys = append(keys, modelfile.KV{Key: fmt.Sprint(p, "fact.", i), Value: modelfile.Text(f.Prompt + "\t" + f.Subject + "\t" + f.Target)})
	}
	tensors := slices.Clone(g.Tensors)
	for _, x := range r.Changes {
		name := fmt.Sprintf("blk.%d.ffn_down.weight", x.Layer)
		i := slices.IndexFunc(tensors, func(t modelfile.Tensor) bool { return t.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("tensor %q is missing", name)
		}
		t := &tensors[i]
		keys = append(keys, modelfile.KV{Key: p + "old." + name, Value: modelfile.Bytes(append(binary.LittleEndian.AppendUint32(nil, uint32(t.Type)), t.Data...))})
		t.Type, t.Data = modelfile.F32, nil
		for _, w := range x.Weights {
			t.Data = binary.LittleEndian.AppendUint32(t.Data, math.Float32bits(w))
		}
	}
	var b bytes.Buffer
	err := modelfile.Encode(&b, keys, tensors)
	return b.Bytes(), err
}

// edits counts the edits that a file has seen.
func edits(g *modelfile.GGUF) int {
	n := 0
	for _, ok := g.Get(fmt.Sprint(editKey, n, ".parent")); ok; _, ok = g.Get(fmt.Sprint(editKey, n, ".parent")) {
		n++
	}
	return n
}

// parseEdited opens the bytes of an edited file, and says what model it is.
func parseEdited(raw []byte, m *openMemory, r *editReport) (*memory.Model, error) {
	f, err := lmfile.Parse(r.Output, raw, lm.DefaultKeep)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(raw)
	r.SHA256 = hex.EncodeToString(sum[:])
	if own, err := modelfile.Load(raw); err == nil {
		r.ID = hex.EncodeToString(own.ID[:])
	}
	x, err := memory.New(f.Model, m.Vocab)
	if err == nil {
		x.Threads = m.Threads
	}
	return x, err
}

// undo takes the last edit of a file back.
func (c *memoryEditCmd) undo(a *app) error {
	if err := apart(c.Output, c.Undo); err != nil {
		return err
	}
	raw, err := os.ReadFile(c.Undo)
	if err != nil {
		return err
	}
	g, err := modelfile.Parse(raw)
	if err != nil {
		return noModel("", "%s: %v", c.Undo, err)
	}
	n := edits(g) - 1
	if n < 0 {
		return failed("", "%s: has no edit to take back", c.Undo)
	}
	p := fmt.Sprint(editKey, n, ".")
	var keys []modelfile.KV
	for _, kv := range g.Keys {
		rest, ours := strings.CutPrefix(kv.Key, p)
		if !ours {
			keys = append(keys, kv)
			continue
		}
		if name, old := strings.CutPrefix(rest, "old."); old {
			if err := putBack(g.Tensors, name, kv.Value); err != nil {
				return noModel("", "%s: %v", c.Undo, err)
			}
		}
	}
	var b bytes.Buffer
	if err := modelfile.Encode(&b, keys, g.Tensors); err != nil {
		return err
	}
	v, _ := g.Get(p + "parent")
	parent, _ := v.Text()
	sum := sha256.Sum256(b.Bytes())
	if got := hex.EncodeToString(sum[:]); got != parent {
		// Files of other programs may be padded in other ways.
		a.warn(c.Undo, "the tensors and keys are those before the edit, but not the file's bytes: sha256 %.16s, was %.16s", got, parent)
	}
	if err := a.writeFile(c.Output, "-o", b.Bytes(), c.Force); err != nil {
		return err
	}
	if a.json {
		a.printJSON(map[string]any{"output": c.Output, "sha256": hex.EncodeToString(sum[:]), "bit_exact": hex.EncodeToString(sum[:]) == parent})
		return nil
	}
	fmt.Fprintf(a.stdout, "%s: sha256 %x\n", c.Output, sum)
	return nil
}

// putBack gives a tensor the type and data that it had.
func putBack(tensors []modelfile.Tensor, name string, v modelfile.Value) error {
	old, ok := v.Bytes()
	i := slices.IndexFunc(tensors, func(t modelfile.Tensor) bool { return t.Name == name })
	if !ok || len(old) < 4 || i < 0 {
		return fmt.Errorf("the old data of tensor %q is damaged", name)
	}
	tensors[i].Type, tensors[i].Data = modelfile.Type(binary.LittleEndian.Uint32(old)), old[4:]
	return nil
}
