package seeds_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// page is docs/seeds.md, the table of all that is here and in the example programs.
func page(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../seeds.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// rows returns the rows of the tables below the heading, without those of headers.
func rows(t *testing.T, heading string) (list [][]string) {
	t.Helper()
	_, section, found := strings.Cut(page(t), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("docs/seeds.md has no section %s", heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	header := true
	for line := range strings.Lines(section) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			header = true
			continue
		}
		if strings.HasPrefix(line, "|---") {
			header = false
			continue
		}
		if header {
			continue
		}
		var cells []string
		for cell := range strings.SplitSeq(strings.Trim(line, "|"), "|") {
			cells = append(cells, strings.TrimSpace(cell))
		}
		list = append(list, cells)
	}
	return list
}

func TestEveryFileOfTheTableExists(t *testing.T) {
	links := regexp.MustCompile(`\]\(([^)#]+)`).FindAllStringSubmatch(page(t), -1)
	if len(links) < 100 {
		t.Errorf("only %d links", len(links))
	}
	for _, link := range links {
		if _, err := os.Stat(filepath.Join("..", filepath.FromSlash(link[1]))); err != nil {
			t.Error(err)
		}
	}
}

func TestEveryProgramAndPieceNamesAFile(t *testing.T) {
	for _, heading := range []string{"Programs", "Pieces"} {
		for _, cells := range rows(t, heading) {
			if len(cells) != 3 || cells[0] == "" || cells[1] == "" || !strings.Contains(cells[2], "](") {
				t.Errorf("%s: the row %q is not complete", heading, cells)
			}
		}
	}
}

// TestEveryExampleIsInTheTableOnce looks for the Examples in the files that the table names.
func TestEveryExampleIsInTheTableOnce(t *testing.T) {
	there := map[string]string{} // the file of each
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && strings.HasPrefix(f.Name.Name, "Example") {
				there[f.Name.Name] = name
			}
		}
	}
	listed := map[string]bool{}
	for _, m := range regexp.MustCompile("`(Example\\w+)`, \\[\\w+\\.go\\]\\(seeds/(\\w+\\.go)\\)").FindAllStringSubmatch(page(t), -1) {
		name, file := m[1], m[2]
		if listed[name] {
			t.Errorf("%s is listed twice", name)
		}
		listed[name] = true
		if there[name] != file {
			t.Errorf("%s is not in %s", name, file)
		}
	}
	for name := range there {
		if !listed[name] {
			t.Errorf("docs/seeds.md does not list %s", name)
		}
	}
	if n := strings.Count(page(t), "`Example"); n != len(listed) {
		t.Errorf("%d Examples are mentioned, %d of them with their file", n, len(listed))
	}
}

func TestEveryProgramOfTheTourThatIsListedExists(t *testing.T) {
	source, err := os.ReadFile("../../examples/tour/programs.go")
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, m := range regexp.MustCompile(`\bname: "([^"]+)"`).FindAllStringSubmatch(string(source), -1) {
		there[m[1]] = true
	}
	listed := map[string]bool{}
	for _, m := range regexp.MustCompile("`tour ([a-z][\\w-]*)`").FindAllStringSubmatch(page(t), -1) {
		listed[m[1]] = true
		if !there[m[1]] {
			t.Errorf("the tour has no program %s", m[1])
		}
	}
	for name := range there {
		if !listed[name] {
			t.Errorf("docs/seeds.md does not list the program %s of the tour", name)
		}
	}
}

// TestTheNamesAreThoseOfFromPython: the differences stand in one place only, so both must say the same.
func TestTheNamesAreThoseOfFromPython(t *testing.T) {
	text, err := os.ReadFile("../from-python.md")
	if err != nil {
		t.Fatal(err)
	}
	span := regexp.MustCompile("`([^`]+)`")
	ours := map[string]string{} // the second cell of each name's rows
	for line := range strings.Lines(string(text)) {
		if cells := strings.Split(line, "|"); len(cells) == 5 {
			for _, m := range span.FindAllStringSubmatch(cells[1], -1) {
				ours[m[1]] += cells[2]
			}
		}
	}
	names := rows(t, "Names of asyncio")
	if len(names) < 40 {
		t.Errorf("only %d rows", len(names))
	}
	for _, cells := range names {
		var there string
		for _, m := range span.FindAllStringSubmatch(cells[0], -1) {
			if ours[m[1]] == "" {
				t.Errorf("from-python.md has no line for %s", m[1])
			}
			there += ours[m[1]]
		}
		for _, name := range strings.Split(cells[1], ", ") {
			if !strings.Contains(there, name) {
				t.Errorf("%s is %s in from-python.md, not %s", cells[0], there, name)
			}
		}
	}
}
