package suite_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The files of package aio stand in the order of docs/design.md, and calls go down that order. A
// call that goes up is listed there with its reason.
func TestCallsBetweenFilesGoDownTheOrderOfTheDesign(t *testing.T) {
	t.Chdir(root)
	order, up := documentedOrder(t)
	place := map[string]int{}
	for i, file := range order {
		place[file] = i
	}
	calls := callsBetweenFiles(t, ".")
	files := map[string]bool{}
	sites, against := 0, 0
	for c, n := range calls {
		files[c.from], files[c.to] = true, true
		sites += n
		if place[c.from] < place[c.to] { // down: a later file of the list is further below
			continue
		}
		against += n
		edge := c.from + " -> " + c.to
		if !up[edge] {
			t.Errorf("%s calls %s (%d times), which stands above it in docs/design.md", c.from, c.to, n)
		}
		delete(up, edge)
	}
	for edge := range up {
		t.Errorf("docs/design.md lists %s, and there is no such call any more", edge)
	}
	for file := range files {
		if _, ok := place[file]; !ok {
			t.Errorf("%s has no place in the order of docs/design.md", file)
		}
	}
	t.Logf("%d calls between files, %d of them go up", sites, against)
	const most = 47 // a third of the 142 that the layout before this order had
	if against > most {
		t.Errorf("%d calls go up, more than %d", against, most)
	}
}

var orderBlock = regexp.MustCompile("(?s)<!-- order of the files -->\n```text\n(.*?)```")

// documentedOrder returns the files in the order of docs/design.md, the uppermost first, and the
// calls that may go up.
func documentedOrder(t *testing.T) (order []string, up map[string]bool) {
	t.Helper()
	text, err := os.ReadFile("docs/design.md")
	if err != nil {
		t.Fatal(err)
	}
	block := orderBlock.FindStringSubmatch(string(text))
	if block == nil {
		t.Fatal("docs/design.md has no order of the files")
	}
	up = map[string]bool{}
	for line := range strings.Lines(block[1]) {
		fields := strings.Fields(line)
		switch {
		case len(fields) > 3 && fields[1] == "->":
			up[fields[0]+" -> "+fields[2]] = true
		case len(fields) > 0 && strings.HasSuffix(fields[0], ".go"):
			order = append(order, fields[0])
		}
	}
	return order, up
}

var walkBlock = regexp.MustCompile("(?s)<!-- walk -->\n```text\n(.*?)```")

// A walk names files and functions that exist, and goes down the order between two turns of the
// loop.
func TestTheWalksOfTheDesignExistAndGoDown(t *testing.T) {
	t.Chdir(root)
	order, _ := documentedOrder(t)
	text, err := os.ReadFile("docs/design.md")
	if err != nil {
		t.Fatal(err)
	}
	walks := walkBlock.FindAllStringSubmatch(string(text), -1)
	if len(walks) != 3 {
		t.Fatalf("%d walks, want those of a task, a cancellation and of bytes", len(walks))
	}
	for _, walk := range walks {
		last := 0
		for line := range strings.Lines(walk[1]) {
			fields := strings.Fields(line)
			if fields[0] == "--" {
				last = 0
				continue
			}
			source, err := os.ReadFile(fields[0])
			if err != nil {
				t.Error(err)
				continue
			}
			for _, name := range fields[1:] {
				exists := regexp.MustCompile(`(?m)^func (\([^)]*\) )?` +
					strings.TrimSuffix(name, ",") + `[\[(]`)
				if !exists.Match(source) {
					t.Errorf("%s has no function %s", fields[0], name)
				}
				if !strings.HasSuffix(name, ",") {
					break // the rest of the line is a remark
				}
			}
			if place := slices.Index(order, fields[0]); place >= 0 {
				if place < last {
					t.Errorf("the step to %s goes up", fields[0])
				}
				last = place
			}
		}
	}
}

// call is a call from a function in one file to one in another.
type call struct{ from, to string }

// callsBetweenFiles counts the calls between the files of the package in folder. Packages that it
// imports are not looked at.
func callsBetweenFiles(t *testing.T, folder string) map[call]int {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	info := types.Info{Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: emptyPackages{}, Error: func(error) {}}
	pkg, _ := config.Check("aio", fset, files, &info)
	fileOf := func(p token.Pos) string { return filepath.Base(fset.Position(p).Filename) }
	calls := map[call]int{}
	for _, file := range files {
		for _, decl := range file.Decls {
			ast.Inspect(decl, func(n ast.Node) bool {
				c, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				if fn, ok := info.Uses[callee(c.Fun)].(*types.Func); ok && fn.Pkg() == pkg {
					from, to := fileOf(c.Pos()), fileOf(fn.Origin().Pos())
					if from != to {
						calls[call{from, to}]++
					}
				}
				return true
			})
		}
	}
	if len(calls) == 0 {
		t.Fatal("found no call; the check does not see the package")
	}
	return calls
}

// callee returns the name of the function that is called, nil if it has none.
func callee(fun ast.Expr) *ast.Ident {
	switch x := fun.(type) {
	case *ast.Ident:
		return x
	case *ast.SelectorExpr:
		return x.Sel
	case *ast.IndexExpr:
		return callee(x.X)
	case *ast.IndexListExpr:
		return callee(x.X)
	case *ast.ParenExpr:
		return callee(x.X)
	}
	return nil
}

// emptyPackages stands for the packages that are imported: only names of the package itself matter.
type emptyPackages struct{}

func (emptyPackages) Import(name string) (*types.Package, error) {
	p := types.NewPackage(name, path.Base(name))
	p.MarkComplete()
	return p, nil
}

func TestTheRootStaysSmallEnoughToBeSeen(t *testing.T) {
	t.Chdir(root)
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	sources, all := 0, 0
	for _, e := range entries {
		name := e.Name()
		if name == ".git" {
			continue
		}
		all++
		if strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
			sources++
		}
	}
	if sources > 40 || all > 100 {
		t.Errorf("%d source files and %d entries; at most 40 and 100", sources, all)
	}
}

// Lines end at 100 columns, tabs being 4 wide. Tests may have tables with longer literals, and
// programs a longer text of their usage.
func TestNoLineIsLongerThan100Columns(t *testing.T) {
	t.Chdir(root)
	files := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		name := d.Name()
		switch {
		case err != nil:
			return err
		case d.IsDir() && (name == "testdata" || name != "." && strings.HasPrefix(name, ".")):
			return fs.SkipDir
		case d.IsDir(), !strings.HasSuffix(name, ".go"), strings.HasSuffix(name, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, text, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		literal := map[int]bool{} // lines with a part of a literal of several lines
		ast.Inspect(file, func(n ast.Node) bool {
			if l, ok := n.(*ast.BasicLit); ok {
				first, last := fset.Position(l.Pos()).Line, fset.Position(l.End()).Line
				for n := first; n <= last && first < last; n++ {
					literal[n] = true
				}
			}
			return true
		})
		n := 0
		for line := range strings.Lines(string(text)) {
			n++
			c := columns(strings.TrimRight(line, "\r\n"))
			if c > 100 && !literal[n] {
				t.Errorf("%s:%d has %d columns; break it by hand", path, n, c)
			}
		}
		return nil
	})
	if err != nil || files < 100 {
		t.Fatal(files, err)
	}
}

// columns returns the width of a line in which a tab leads to the next multiple of 4.
func columns(line string) (n int) {
	for _, r := range line {
		if n++; r == '\t' {
			n = (n + 3) / 4 * 4
		}
	}
	return n
}

// A primitive that the module's own package can build, anybody can build.
func TestAiosyncUsesOnlyTheExportedAPI(t *testing.T) {
	t.Chdir(root)
	names, err := filepath.Glob("aiosync/*.go")
	if err != nil || len(names) == 0 {
		t.Fatalf("no files: %v", err)
	}
	imports := map[string]bool{}
	for _, name := range names {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, i := range file.Imports {
			imports[strings.Trim(i.Path.Value, `"`)] = true
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "go:linkname") {
			t.Errorf("%s reaches into another package", name)
		}
	}
	const module = "github.com/aio-go/aio"
	allowed := []string{module, // and helpers that know nothing of loops
		module + "/internal/nocopy", module + "/internal/ring", module + "/internal/safetext"}
	for _, path := range slices.Sorted(maps.Keys(imports)) {
		if strings.HasPrefix(path, module) && !slices.Contains(allowed, path) {
			t.Errorf("aiosync imports %s; primitives of others could not", path)
		}
	}
}

// Ordinary builds and builds with the race detector run the same code. A guard that is there only
// under the race detector hides a race from it that the shipped code has.
func TestNoCodeDiffersUnderTheRaceDetector(t *testing.T) {
	t.Chdir(root)
	tag := regexp.MustCompile(`(?m)^//go:build .*\brace\b`)
	err := filepath.WalkDir(".", func(name string, d os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, ".go") {
			return err
		}
		text, err := os.ReadFile(name)
		if tag.Match(text) {
			err = fmt.Errorf("%s is built under the race detector only, or not under it", name)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
