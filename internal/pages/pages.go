// Package pages holds documents to the programs that they show: each program on a page is an
// Example of a test in the folder of the page, compiled and run, with its output.
package pages

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/doc"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// shown is where a page shows a program: a comment with the Example's name, the program, and its
// output; or a comment with the names of functions, and their source.
var shown = regexp.MustCompile("(?s)<!-- (Example\\w*|source: [\\w ]+) -->\n```go\n.*?```\n" +
	"(?:\nIt prints:\n\n```text\n.*?```\n)?")

// elsewhere is a comment on a page whose programs are Examples of another folder, whose tests run
// them: that of another module.
var elsewhere = regexp.MustCompile(`<!-- programs of (\S+) -->`)

// Check compares the pages of the current folder with the Examples of its tests. With update it
// writes the Examples into the pages. Each Example must be on a page, and each program on a page
// must be an Example.
func Check(t *testing.T, update bool) {
	t.Helper()
	ours := readExamples(t, ".")
	used := map[string]bool{}
	pages, err := filepath.Glob("*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("no pages: %v", err)
	}
	for _, page := range pages {
		was, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		examples := ours
		if m := elsewhere.FindSubmatch(was); m != nil {
			examples = readExamples(t, string(m[1]))
		}
		is := shown.ReplaceAllStringFunc(string(was), func(old string) string {
			name := shown.FindStringSubmatch(old)[1]
			if names, ok := strings.CutPrefix(name, "source: "); ok {
				return sources(t, strings.Fields(names))
			}
			text, ok := examples[name]
			if !ok {
				t.Errorf("%s: there is no %s", page, name)
				return old
			}
			used[name] = true
			return text
		})
		blocks, known := strings.Count(is, "```go\n"), len(shown.FindAllString(is, -1))
		if blocks != known {
			t.Errorf("%s: %d of %d programs have no Example", page, blocks-known, blocks)
		}
		if is == string(was) {
			continue
		}
		if !update {
			t.Errorf("%s does not show the Examples as they are; run this test with -update", page)
			continue
		}
		if err := os.WriteFile(page, []byte(is), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name := range ours {
		if !used[name] {
			t.Errorf("%s is on no page", name)
		}
	}
}

// Programs returns the programs of the current folder's Examples by the names of these.
func Programs(t *testing.T) map[string]string {
	t.Helper()
	programs := map[string]string{}
	for name, text := range readExamples(t, ".") {
		_, text, _ = strings.Cut(text, "```go\n")
		programs[name], _, _ = strings.Cut(text, "```\n")
	}
	return programs
}

// readExamples returns what a page shows for each Example of a folder: a whole program and its
// output.
func readExamples(t *testing.T, dir string) map[string]string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, name := range names {
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range doc.Examples(file) {
			full := "Example"
			if e.Name != "" {
				full += e.Name
			}
			if e.Play == nil {
				t.Errorf("%s: %s is no program of its own", name, full)
				continue
			}
			texts[full] = show(t, fset, full, e.Play, e.Output)
		}
	}
	return texts
}

func show(t *testing.T, fset *token.FileSet, name string, program *ast.File, output string) string {
	t.Helper()
	var source bytes.Buffer
	if err := format.Node(&source, fset, program); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("<!-- %s -->\n```go\n%s```\n\nIt prints:\n\n```text\n%s\n```\n",
		name, source.String(), strings.TrimRight(output, "\n"))
}

// sources returns what a page shows for functions of the folder.
func sources(t *testing.T, names []string) string {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, text, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil {
				from := fn.Pos()
				if fn.Doc != nil {
					from = fn.Doc.Pos()
				}
				begin, end := fset.Position(from).Offset, fset.Position(fn.End()).Offset
				found[fn.Name.Name] = string(text[begin:end])
			}
		}
	}
	var parts []string
	for _, name := range names {
		if found[name] == "" {
			t.Errorf("there is no function %s", name)
		}
		parts = append(parts, found[name]+"\n")
	}
	return fmt.Sprintf("<!-- source: %s -->\n```go\n%s```\n",
		strings.Join(names, " "), strings.Join(parts, "\n"))
}
