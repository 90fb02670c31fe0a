package token

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

const listHeader = "kolm merges 1"

// WriteMerges writes a list of merges as text: a header, then the two ids of
// each merge on a line, in decimal.
func WriteMerges(w io.Writer, merges [][2]int32) error {
	b := bufio.NewWriter(w)
	fmt.Fprintln(b, listHeader)
	for _, m := range merges {
		fmt.Fprintln(b, m[0], m[1])
	}
	return b.Flush()
}

// ReadMerges reads what WriteMerges wrote. Whether the merges make a tokenizer,
// New tells.
func ReadMerges(r io.Reader) ([][2]int32, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 4096) // two numbers need far less
	if !lines.Scan() || lines.Text() != listHeader {
		return nil, fmt.Errorf("token: merges: first line is %.40q, want %q", lines.Text(), listHeader)
	}
	var merges [][2]int32
	for lines.Scan() {
		m, err := parseMerge(lines.Text())
		if err == nil && len(merges) == MaxVocab-FirstMerge {
			err = fmt.Errorf("at most %d merges fit", len(merges))
		}
		if err != nil {
			return nil, fmt.Errorf("token: merges: line %d: %w", len(merges)+2, err)
		}
		merges = append(merges, m)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("token: merges: line %d: %w", len(merges)+2, err)
	}
	return merges, nil
}

func parseMerge(line string) (m [2]int32, err error) {
	left, right, _ := strings.Cut(line, " ")
	for i, number := range []string{left, right} {
		id, err := strconv.ParseInt(number, 10, 32)
		if err != nil {
			return m, fmt.Errorf("%.40q is not two ids with a space between", line)
		}
		m[i] = int32(id)
	}
	return m, nil
}
