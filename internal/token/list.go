package token

import (
	"bufio"
	"fmt"
	"io"
)

const listHeader = "kolm merges 1\n"

// WriteMerges writes a list of merges as text: a header, then the two ids of
// each merge on a line.
func WriteMerges(w io.Writer, merges [][2]int32) error {
	b := bufio.NewWriter(w)
	b.WriteString(listHeader)
	for _, m := range merges {
		fmt.Fprintln(b, m[0], m[1])
	}
	return b.Flush()
}

// ReadMerges reads what WriteMerges wrote.
func ReadMerges(r io.Reader) ([][2]int32, error) {
	b := bufio.NewReader(r)
	if line, err := b.ReadString('\n'); err != nil || line != listHeader {
		return nil, fmt.Errorf("token: merges: first line is %q, want %q", line, listHeader)
	}
	var merges [][2]int32
	for {
		var m [2]int32
		n, err := fmt.Fscanln(b, &m[0], &m[1])
		if n == 0 && err == io.EOF {
			return merges, nil
		}
		if err != nil {
			return nil, fmt.Errorf("token: merges: line %d: %w", len(merges)+2, err)
		}
		merges = append(merges, m)
	}
}
