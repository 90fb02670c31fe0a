package main

import (
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// kolmIn is the command kolm in a folder.
func kolmIn(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Args, cmd.Dir, cmd.Stderr = append([]string{"kolm"}, args...), dir, os.Stderr
	cmd.Env = append(os.Environ(), "KOLM_MODELS=", "HOME="+dir)
	return cmd
}

// TestIndexKilled kills the making of an index without warning after its state was
// saved, goes on, and wants the database of a run that nobody disturbed.
func TestIndexKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("short: runs the built-in model for seconds, as the run without -short does")
	}
	dir := t.TempDir()
	corpus := filepath.Join(dir, "corpus")
	if err := os.Mkdir(corpus, 0o777); err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		text := fmt.Sprintf("Line %d of the corpus is %d, and not %d.\n", i, i*i, i*7%13)
		if err := os.WriteFile(filepath.Join(corpus, fmt.Sprintf("%03d.txt", i)), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	kolm := func(args ...string) *exec.Cmd { return kolmIn(t, dir, args...) }
	index := []string{"memory", "index", "corpus", "-q", "--top", "3", "-o"}
	if err := kolm(append(index, "whole.db")...).Run(); err != nil {
		t.Fatal(err)
	}
	cmd := kolm(append(index, "killed.db", "--save", "1ns")...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "killed.db")+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	for n, deadline := 0, time.Now().Add(time.Minute); n == 0; time.Sleep(time.Millisecond) {
		if err := db.QueryRow("SELECT count(*) FROM state").Scan(&n); err != nil {
			n = 0 // not made yet, or being written
		}
		if time.Now().After(deadline) {
			cmd.Process.Kill()
			t.Fatal("no state was saved within a minute")
		}
	}
	db.Close()
	cmd.Process.Kill()
	if cmd.Wait() == nil {
		t.Fatal("the index was finished before it was killed")
	}
	search := kolm("memory", "search", "killed.db", "--token", "a")
	search.Stderr = nil
	if out, err := search.CombinedOutput(); err == nil {
		t.Errorf("an unfinished index is searched: %s", out)
	}
	if err := kolm(append(index, "killed.db", "--resume")...).Run(); err != nil {
		t.Fatal(err)
	}
	if whole, killed := dumpIndex(t, filepath.Join(dir, "whole.db")), dumpIndex(t, filepath.Join(dir, "killed.db")); whole != killed {
		t.Error("the database differs from that of an undisturbed run")
	}
}

// dumpIndex is all that an index holds.
func dumpIndex(t *testing.T, path string) string {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var b strings.Builder
	for _, table := range []string{"meta", "neuron", "layer", "sentence", "trigger", "words", "state"} {
		rows, err := db.Query("SELECT * FROM " + table) // in the order of its key
		if err != nil {
			t.Fatal(err)
		}
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for rows.Next() {
			cells, at := make([]any, len(columns)), make([]any, len(columns))
			for i := range cells {
				at[i] = &cells[i]
			}
			if err := rows.Scan(at...); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintln(&b, table, cells)
			n++
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		rows.Close()
		if n == 0 && table != "state" {
			t.Fatalf("%s: table %s is empty", path, table)
		}
	}
	return b.String()
}
