package memory

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"fmt"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	_ "modernc.org/sqlite" // the database, without C
)

// schema of an index. Texts are UTF-8, as other programs want them: in tokens that
// are parts of characters, and in other bytes, stands ? for each byte.
const schema = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE neuron (
	layer INTEGER, number INTEGER, active REAL, mean REAL, max REAL, min REAL, norm REAL, histogram BLOB,
	PRIMARY KEY (layer, number)) WITHOUT ROWID;
CREATE TABLE layer (layer INTEGER PRIMARY KEY, carry REAL);
CREATE TABLE sentence (id INTEGER PRIMARY KEY, doc TEXT, text TEXT);
CREATE TABLE trigger (
	layer INTEGER, number INTEGER, minus INTEGER, rank INTEGER, activation REAL,
	token TEXT, next TEXT, sentence INTEGER, start INTEGER, position INTEGER,
	PRIMARY KEY (layer, number, minus, rank)) WITHOUT ROWID;
CREATE INDEX trigger_token ON trigger (token, activation);
CREATE INDEX trigger_sentence ON trigger (sentence);
CREATE INDEX trigger_strength ON trigger (abs(activation));
CREATE INDEX neuron_max ON neuron (max);
CREATE VIRTUAL TABLE words USING fts5 (text, content=sentence, content_rowid=id, tokenize=trigram);
CREATE TABLE state (data BLOB);
`

// openDatabase opens a file whatever characters its name has.
func openDatabase(path, query string) (*sql.DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") { // of Windows
		path = "/" + path
	}
	u := url.URL{Scheme: "file", Path: path, RawQuery: query}
	return sql.Open("sqlite", u.String())
}

// Store is the file of an index that is being made.
type Store struct{ db *sql.DB }

// CreateStore creates an index file for what identity names (model, corpus,
// options). With resume a file that is there is continued, if its identity is the
// same; without, it is an error.
func CreateStore(path, identity string, resume bool) (*Store, error) {
	_, err := os.Stat(path)
	exists := err == nil
	if exists && !resume {
		return nil, fmt.Errorf("%s: %w", path, os.ErrExist)
	}
	db, err := openDatabase(path, "")
	if err != nil {
		return nil, err
	}
	s := &Store{db}
	if !exists || resume && s.blank() {
		err = s.inTransaction(func(tx *sql.Tx) error {
			_, err := tx.Exec(schema+"INSERT INTO meta VALUES ('identity', ?)", identity)
			return err
		})
	} else {
		err = s.continues(identity)
	}
	if err != nil {
		db.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// blank reports whether the file has no tables: it was left by something that ended
// before they were written.
func (s *Store) blank() bool {
	var n int
	return s.db.QueryRow("SELECT count(*) FROM sqlite_master").Scan(&n) == nil && n == 0
}

// ErrComplete says that an index to be resumed is finished.
var ErrComplete = errors.New("the index is complete: nothing to resume")

func (s *Store) continues(identity string) error {
	var have string
	var complete int
	err := s.db.QueryRow("SELECT value, (SELECT count(*) FROM meta WHERE key='tokens') FROM meta WHERE key='identity'").Scan(&have, &complete)
	switch {
	case err != nil:
		return err
	case have != identity:
		return fmt.Errorf("made of %q, not of %q: resume with the same model, corpus and options", have, identity)
	case complete > 0:
		return ErrComplete
	}
	return nil
}

// Close closes the file.
func (s *Store) Close() error { return s.db.Close() }

// saved is the state of a Gather between two runs.
type saved struct {
	Docs, Pieces             int
	Tokens, Next, Bytes      int64
	Looked                   int64
	Carry                    []float64
	SentenceDoc, SentenceTxt []string
	SentenceStart            []int64
	Cells                    []savedCell
}

type savedCell struct {
	Hist     [bins]uint32
	Active   uint32
	Sum      uint64
	Max, Min []savedTrigger
}

type savedTrigger struct {
	Value       float64
	Order       int64
	Sentence    int32
	Start       int32
	Token, Next int32
}

// Save writes the state of a Gather, so that it can be resumed.
func (s *Store) Save(g *Gather) error {
	d := &saved{Docs: g.Docs, Pieces: g.Pieces, Tokens: g.Tokens, Next: g.Next, Bytes: g.Bytes, Looked: g.looked, Carry: g.carry}
	ids := map[int64]int32{}
	pack := func(h heap[trigger]) (list []savedTrigger) {
		for _, e := range h {
			id, ok := ids[e.item.at.start]
			if !ok {
				id = int32(len(ids))
				ids[e.item.at.start] = id
				d.SentenceDoc, d.SentenceTxt = append(d.SentenceDoc, e.item.at.doc), append(d.SentenceTxt, e.item.at.text)
				d.SentenceStart = append(d.SentenceStart, e.item.at.start)
			}
			list = append(list, savedTrigger{e.value, e.order, id, int32(e.item.start), e.item.token, e.item.next})
		}
		return list
	}
	for _, cells := range g.cells {
		for i := range cells {
			c := &cells[i]
			d.Cells = append(d.Cells, savedCell{c.hist, c.active, c.sum, pack(c.max), pack(c.min)})
		}
	}
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(d); err != nil {
		return err
	}
	return s.inTransaction(func(tx *sql.Tx) error {
		if _, err := tx.Exec("DELETE FROM state"); err != nil {
			return err
		}
		_, err := tx.Exec("INSERT INTO state VALUES (?)", b.Bytes())
		return err
	})
}

// Restore brings a new Gather to where Save saw one; it reports whether there was a
// state.
func (s *Store) Restore(g *Gather) (bool, error) {
	var raw []byte
	err := s.db.QueryRow("SELECT data FROM state").Scan(&raw)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	var d saved
	if err == nil {
		err = gob.NewDecoder(bytes.NewReader(raw)).Decode(&d)
	}
	if err != nil {
		return false, err
	}
	g.Docs, g.Pieces, g.Tokens, g.Next, g.Bytes, g.looked, g.carry = d.Docs, d.Pieces, d.Tokens, d.Next, d.Bytes, d.Looked, d.Carry
	g.resumed, g.end = g.Pieces, g.Next
	sentences := make([]*sentence, len(d.SentenceDoc))
	for i := range sentences {
		sentences[i] = &sentence{d.SentenceDoc[i], d.SentenceTxt[i], d.SentenceStart[i]}
	}
	unpack := func(list []savedTrigger) (h heap[trigger]) {
		for _, t := range list {
			h = append(h, entry[trigger]{t.Value, t.Order, trigger{sentences[t.Sentence], int(t.Start), t.Token, t.Next}})
		}
		return h
	}
	at := 0
	for _, cells := range g.cells {
		for i := range cells {
			c := &d.Cells[at]
			at++
			cells[i] = cell{unpack(c.Max), unpack(c.Min), c.Hist, c.Active, c.Sum}
		}
	}
	return true, nil
}

func (s *Store) inTransaction(f func(tx *sql.Tx) error) error {
	tx, err := s.db.BeginTx(context.Background(), nil)
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		tx.Rollback()
		return err
	}
	return tx.Commit()
}

// Finish writes the index, for searching, and what meta says of it.
func (s *Store) Finish(g *Gather, meta map[string]string) error {
	return s.inTransaction(func(tx *sql.Tx) error {
		w := &writer{tx: tx, g: g, sentences: map[int64]bool{}}
		for _, step := range []func() error{w.prepare, w.neurons} {
			if err := step(); err != nil {
				return err
			}
		}
		all := map[string]string{
			"tokens": fmt.Sprint(g.Tokens), "documents": fmt.Sprint(g.Docs), "bytes": fmt.Sprint(g.Bytes),
			"top": fmt.Sprint(g.Top), "active": fmt.Sprint(g.Active),
		}
		for k, v := range meta {
			all[k] = v
		}
		for k, v := range all {
			if _, err := tx.Exec("INSERT INTO meta VALUES (?, ?)", k, v); err != nil {
				return err
			}
		}
		for _, q := range []string{"DELETE FROM state", "INSERT INTO words (words) VALUES ('rebuild')"} {
			if _, err := tx.Exec(q); err != nil {
				return err
			}
		}
		return nil
	})
}

// writer writes the tables of an index.
type writer struct {
	tx                        *sql.Tx
	g                         *Gather
	sentences                 map[int64]bool
	neuron, trigger, sentence *sql.Stmt
}

func (w *writer) prepare() error {
	for q, to := range map[string]**sql.Stmt{
		"INSERT INTO neuron VALUES (?,?,?,?,?,?,?,?)":         &w.neuron,
		"INSERT INTO trigger VALUES (?,?,?,?,?,?,?,?,?,?)":    &w.trigger,
		"INSERT INTO sentence (id, doc, text) VALUES (?,?,?)": &w.sentence,
	} {
		var err error
		if *to, err = w.tx.Prepare(q); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) neurons() error {
	g := w.g
	seen := float64(max(1, g.Tokens))
	for l, cells := range g.cells {
		if _, err := w.tx.Exec("INSERT INTO layer VALUES (?, ?)", l, g.carry[l]/math.Max(1, float64(g.looked))); err != nil {
			return err
		}
		for i := range cells {
			c := &cells[i]
			hist := make([]byte, 0, 4*bins)
			for _, n := range c.hist {
				hist = binary.LittleEndian.AppendUint32(hist, n)
			}
			plus, minus := c.max.sorted(), c.min.sorted()
			var top, low float64
			if len(plus) > 0 {
				top = plus[0].value
			}
			if len(minus) > 0 {
				low = -minus[0].value
			}
			mean := float64(c.sum) / (1 << fixed) / seen
			if _, err := w.neuron.Exec(l, i, float64(c.active)/seen, mean, top, low, g.norms[l][i], hist); err != nil {
				return err
			}
			if err := w.triggers(l, i, 0, plus); err != nil {
				return err
			}
			if err := w.triggers(l, i, 1, minus); err != nil {
				return err
			}
		}
	}
	return nil
}

// clean puts ? for every byte that is not UTF-8; lengths stay.
func clean(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	b := []byte(s)
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			b[i] = '?'
		}
		i += n
	}
	return string(b)
}

func (w *writer) triggers(layer, number, minus int, list []entry[trigger]) error {
	for rank, e := range list {
		s := e.item.at
		if !w.sentences[s.start] {
			w.sentences[s.start] = true
			if _, err := w.sentence.Exec(s.start, clean(s.doc), clean(s.text)); err != nil {
				return err
			}
		}
		value := e.value * float64(1-2*minus)
		token, next := clean(w.g.model.Token(e.item.token)), ""
		if e.item.next >= 0 {
			next = clean(w.g.model.Token(e.item.next))
		}
		if _, err := w.trigger.Exec(layer, number, minus, rank, value, token, next, s.start, e.item.start, e.order); err != nil {
			return err
		}
	}
	return nil
}
