package memory

import (
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Index is a finished index, to look things up.
type Index struct {
	db   *sql.DB
	Meta map[string]string
}

// OpenIndex opens what Store.Finish wrote.
func OpenIndex(path string) (*Index, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	db, err := openDatabase(path, "mode=ro")
	if err != nil {
		return nil, err
	}
	x := &Index{db, map[string]string{}}
	if err := x.readMeta(); err != nil {
		db.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return x, nil
}

func (x *Index) readMeta() error {
	rows, err := x.db.Query("SELECT key, value FROM meta")
	if err != nil {
		return fmt.Errorf("not an index of memories: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var k, v string
		if err := rows.Scan(&k, &v); err != nil {
			return err
		}
		x.Meta[k] = v
	}
	if x.Meta["tokens"] == "" && rows.Err() == nil {
		return errors.New("the index is not finished: resume it")
	}
	return rows.Err()
}

// Close closes the file.
func (x *Index) Close() error { return x.db.Close() }

// Hit is a trigger with its context.
type Hit struct {
	Neuron     Neuron  `json:"neuron"`
	Rank       int     `json:"rank"` // among those of its neuron and sign, from 1
	Activation float64 `json:"activation"`
	Before     string  `json:"before"` // of the token, in its sentence
	Token      string  `json:"token"`
	After      string  `json:"after"`
	Next       string  `json:"next"` // token
	Doc        string  `json:"document"`
	Position   int64   `json:"position"` // token of the corpus
}

const hitColumns = `SELECT t.layer, t.number, t.rank, t.activation, t.token, t.next, t.start, t.position, s.doc, s.text
	FROM trigger t JOIN sentence s ON s.id = t.sentence `

func (x *Index) hits(query string, args ...any) ([]Hit, error) {
	rows, err := x.db.Query(hitColumns+query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Hit
	for rows.Next() {
		var h Hit
		var start int
		var text string
		if err := rows.Scan(&h.Neuron.Layer, &h.Neuron.Index, &h.Rank, &h.Activation, &h.Token, &h.Next, &start, &h.Position, &h.Doc, &text); err != nil {
			return nil, err
		}
		h.Rank++
		start = min(start, len(text))
		h.Before = valid(text[:start])
		h.After = valid(text[min(start+len(h.Token), len(text)):])
		list = append(list, h)
	}
	return list, rows.Err()
}

// valid replaces what is not UTF-8: a sentence may be divided within a character.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// Contexts returns the k strongest triggers of a neuron: of its largest
// coefficients, or of its smallest.
func (x *Index) Contexts(n Neuron, minus bool, k int) ([]Hit, error) {
	return x.hits("WHERE t.layer=? AND t.number=? AND t.minus=? ORDER BY t.rank LIMIT ?", n.Layer, n.Index, minus, k)
}

// Query is a search among triggers; what is not zero must hold.
type Query struct {
	Token string  // the trigger is this token
	Text  string  // the sentence contains this text
	Least float64 // the absolute value of the coefficient is at least this
	Layer int     // -1: any
	Limit int
}

// Search returns triggers that fit, strongest first in proportion to the best of
// their neuron.
func (x *Index) Search(q Query) ([]Hit, error) {
	var where []string
	var args []any
	add := func(cond string, arg any) { where, args = append(where, cond), append(args, arg) }
	if q.Token != "" {
		add("t.token = ?", q.Token)
	}
	if q.Text != "" {
		if len([]rune(q.Text)) >= 3 { // trigrams
			add("s.id IN (SELECT rowid FROM words WHERE words MATCH ?)", `"`+strings.ReplaceAll(q.Text, `"`, `""`)+`"`)
		} else {
			add("instr(s.text, ?) > 0", q.Text)
		}
	}
	if q.Least > 0 {
		add("abs(t.activation) >= ?", q.Least)
	}
	if q.Layer >= 0 {
		add("t.layer = ?", q.Layer)
	}
	query := ""
	if len(where) > 0 {
		query = "WHERE " + strings.Join(where, " AND ")
	}
	args = append(args, q.Limit)
	return x.hits(query+" ORDER BY t.rank, abs(t.activation) DESC, t.layer, t.number, t.minus LIMIT ?", args...)
}

// Stats says how a neuron behaved over the corpus.
type Stats struct {
	Active    float64  `json:"share_active"`
	Mean      float64  `json:"mean_absolute_coefficient"`
	Max       float64  `json:"max"`
	Min       float64  `json:"min"`
	Norm      float64  `json:"value_norm"`
	Histogram []uint32 `json:"histogram"` // see BinEdge
}

// Stats returns the statistics of a neuron.
func (x *Index) Stats(n Neuron) (*Stats, error) {
	var s Stats
	var hist []byte
	err := x.db.QueryRow("SELECT active, mean, max, min, norm, histogram FROM neuron WHERE layer=? AND number=?", n.Layer, n.Index).
		Scan(&s.Active, &s.Mean, &s.Max, &s.Min, &s.Norm, &hist)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("no neuron %v in the index", n)
	}
	for ; len(hist) >= 4; hist = hist[4:] {
		s.Histogram = append(s.Histogram, binary.LittleEndian.Uint32(hist))
	}
	return &s, err
}

// Carry returns, by layer, how many neurons on average carry 90 % of the work.
func (x *Index) Carry() ([]float64, error) {
	rows, err := x.db.Query("SELECT carry FROM layer ORDER BY layer")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []float64
	for rows.Next() {
		var v float64
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, rows.Err()
}

// Number returns a number of Meta, 0 if it is none.
func (x *Index) Number(key string) int64 {
	n, _ := strconv.ParseInt(x.Meta[key], 10, 64)
	return n
}
