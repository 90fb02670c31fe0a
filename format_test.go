package kolm

import (
	"flag"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strings"
	"testing"
)

var updateFormat = flag.Bool("update-format", false, "copy the package comments that doc/format.md quotes into it, and make its vectors anew")

// quoted finds the parts of doc/format.md that repeat a package comment, so
// that the document and the code that it describes cannot part.
var quoted = regexp.MustCompile(`(?s)<!-- from (\S+) -->\n(.*?)<!-- end -->`)

func TestFormatDocument(t *testing.T) {
	const name = "doc/format.md"
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	parts := 0
	want := quoted.ReplaceAllStringFunc(string(b), func(part string) string {
		parts++
		file := quoted.FindStringSubmatch(part)[1]
		return "<!-- from " + file + " -->\n" + packageComment(t, file) + "<!-- end -->"
	})
	if parts < 4 {
		t.Fatalf("%s quotes %d package comments, want the kernels', the model's, the coder's and the container's at least", name, parts)
	}
	if want == string(b) {
		return
	}
	if *updateFormat {
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("%s differs from the package comments it quotes: go test -run Format . -update-format", name)
}

// packageComment returns a file's package comment in Markdown, its headings two
// levels down, without its first paragraph, which says what the package is.
func packageComment(t *testing.T, file string) string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.PackageClauseOnly|parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var p comment.Parser
	d := p.Parse(f.Doc.Text())
	d.Content = d.Content[1:]
	pr := comment.Printer{HeadingLevel: 3, HeadingID: func(*comment.Heading) string { return "" }}
	return "\n" + strings.TrimSpace(string(pr.Markdown(d))) + "\n\n"
}
