package suite_test

import (
	"encoding/xml"
	"go/ast"
	"go/doc"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// root is the folder of the module, seen from the folder of these tests.
var root = filepath.Join("..", "..")

// nameKind is what a name stands for.
type nameKind int

const (
	notThere nameKind = iota
	aFunction
	aType
	aMethod
	aValue // a constant or variable
)

// exported returns the exported names of the package in a folder, methods and interface methods as
// Type.Method. Methods that a type has from an embedded type of the package count as its own.
func exported(t *testing.T, dir string) map[string]nameKind {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]nameKind{}
	methods := map[string][]string{}  // of each type, exported or not
	embedded := map[string][]string{} // the types of the package in each struct
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), dir+"/"+e.Name(), nil,
			parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil {
					names[d.Name.Name] = aFunction
				} else {
					on := typeName(d.Recv.List[0].Type)
					methods[on] = append(methods[on], d.Name.Name)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					switch s := spec.(type) {
					case *ast.ValueSpec:
						for _, n := range s.Names {
							names[n.Name] = aValue
						}
					case *ast.TypeSpec:
						names[s.Name.Name] = aType
						switch x := s.Type.(type) {
						case *ast.InterfaceType:
							for _, m := range x.Methods.List {
								for _, n := range m.Names {
									methods[s.Name.Name] = append(methods[s.Name.Name], n.Name)
								}
							}
						case *ast.StructType:
							for _, f := range x.Fields.List {
								for _, n := range f.Names {
									names[s.Name.Name+"."+n.Name] = aValue
								}
								if len(f.Names) == 0 {
									embedded[s.Name.Name] = append(embedded[s.Name.Name], typeName(f.Type))
								}
							}
						}
					}
				}
			}
		}
	}
	var inherit func(on, from string)
	inherit = func(on, from string) {
		for _, m := range methods[from] {
			names[on+"."+m] = aMethod
		}
		for _, e := range embedded[from] {
			inherit(on, e)
		}
	}
	for on := range maps.Clone(names) {
		inherit(on, on)
	}
	maps.DeleteFunc(names, func(name string, _ nameKind) bool {
		return slices.ContainsFunc(strings.Split(name, "."), func(part string) bool {
			return !ast.IsExported(part)
		})
	})
	return names
}

func typeName(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.Ident:
		return x.Name
	case *ast.StarExpr:
		return typeName(x.X)
	case *ast.IndexExpr:
		return typeName(x.X)
	case *ast.IndexListExpr:
		return typeName(x.X)
	}
	return ""
}

// Names in code spans of the documents: package and name, with a method or without.
var goName = regexp.MustCompile(
	`\b(aio|aiosync|stream|transport|subprocess|aiohttp|aiter|aiofile|aiocache|aiolog|aiotest|executor|aiosql)\.([A-Z]\w*(?:\.[A-Z]\w*)?)`)

func TestEveryNameInTheDocumentsExists(t *testing.T) {
	t.Chdir(root)
	packages := map[string]map[string]nameKind{
		"aio":        exported(t, "."),
		"aiosync":    exported(t, "aiosync"),
		"stream":     exported(t, "stream"),
		"transport":  exported(t, "transport"),
		"subprocess": exported(t, "subprocess"),
		"aiohttp":    exported(t, "aiohttp"),
		"aiter":      exported(t, "aiter"),
		"aiofile":    exported(t, "aiofile"),
		"aiocache":   exported(t, "aiocache"),
		"aiolog":     exported(t, "aiolog"),
		"executor":   exported(t, "executor"),
		"aiosql":     exported(t, "aiosql"),
		"aiotest":    exported(t, "aiotest"),
	}
	guide, err := filepath.Glob("docs/guide/*.md")
	if err != nil {
		t.Fatal(err)
	}
	cookbook, err := filepath.Glob("docs/cookbook/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append(append(guide, cookbook...), "README.md", "docs/from-python.md", "docs/design.md",
		"docs/seeds.md", "docs/security.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, m := range goName.FindAllStringSubmatch(string(text), -1) {
			if packages[m[1]][m[2]] == notThere {
				t.Errorf("%s: there is no %s.%s", page, m[1], m[2])
			}
		}
	}
}

// Each row of the table of limits names an option that exists, or says that there is none.
func TestEveryLimitInTheSecurityPageIsAnOption(t *testing.T) {
	t.Chdir(root)
	text, err := os.ReadFile("docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 || strings.HasPrefix(cells[1], "---") || cells[1] == " option " ||
			strings.Contains(cells[1], "**") {
			continue
		}
		switch option := strings.TrimSpace(cells[1]); {
		case strings.TrimSpace(cells[2]) == "" || strings.TrimSpace(cells[3]) == "":
			t.Errorf("%s: what it bounds, or the default, is missing", option)
		case goName.MatchString(option):
			named++
		case !regexp.MustCompile("^(not an option|`http\\.|`-[a-z])").MatchString(option):
			t.Errorf("%s is neither an option nor said to be none", option)
		}
	}
	if named < 30 {
		t.Errorf("the table names %d options", named)
	}
}

// README shows the Example and the tests of example_test.go as they are, and nothing else.
func TestTheFirstProgramOfTheReadmeIsTheExample(t *testing.T) {
	t.Chdir(root)
	fset := token.NewFileSet()
	source, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(fset, "example_test.go", source, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var programs []string
	for _, e := range doc.Examples(file) {
		if e.Name != "" {
			continue
		}
		var program strings.Builder
		if err := format.Node(&program, fset, e.Play); err != nil {
			t.Fatal(err)
		}
		programs = append(programs,
			"```go\n"+program.String()+"```\n\nIt prints:\n\n```text\n"+e.Output+"```\n")
	}
	for _, d := range file.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && strings.HasPrefix(fn.Name.Name, "Test") {
			from, to := fset.Position(fn.Pos()).Offset, fset.Position(fn.End()).Offset
			programs = append(programs, "```go\n"+string(source[from:to])+"\n```\n")
		}
	}
	if shown := strings.Count(string(readme), "```go\n"); shown != len(programs) {
		t.Errorf("README.md shows %d programs, example_test.go has %d", shown, len(programs))
	}
	for _, want := range programs {
		if !strings.Contains(string(readme), want) {
			t.Errorf("README.md does not show this program as it is:\n%s", want)
		}
	}
}

// documents returns the paths of all documents, from the root of the module.
func documents(t *testing.T) []string {
	t.Helper()
	pages := []string{"README.md", "CONTRIBUTING.md", "examples/README.md", "bench/README.md"}
	err := filepath.WalkDir("docs", func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".md") {
			pages = append(pages, filepath.ToSlash(path))
		}
		return err
	})
	if err != nil || len(pages) < 20 {
		t.Fatalf("%d documents: %v", len(pages), err)
	}
	return pages
}

// wide has a behaviour on each line.
var wide = []string{"docs/conformance.md"}

// Programs, tables, HTML and lines with an address in them may be longer.
func TestProseIsAtMostAHundredColumnsWide(t *testing.T) {
	t.Chdir(root)
	for _, page := range documents(t) {
		if slices.Contains(wide, page) {
			continue
		}
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		program, n := false, 0
		for line := range strings.Lines(string(text)) {
			n++
			line = strings.TrimRight(line, "\n")
			fence := strings.HasPrefix(line, "```")
			if fence {
				program = !program
			}
			exempt := fence || program || strings.HasPrefix(line, "    ") || strings.HasPrefix(line, "|") ||
				strings.HasPrefix(strings.TrimSpace(line), "<") || strings.Contains(line, "://")
			if columns := utf8.RuneCountInString(line); columns > 100 && !exempt {
				t.Errorf("%s:%d: %d columns", page, n, columns)
			}
		}
	}
}

// A link in Markdown or HTML, and a heading.
var (
	link     = regexp.MustCompile(`\]\(([^)\s]+)\)|(?:src|srcset)="([^"]+)"`)
	heading  = regexp.MustCompile(`(?m)^#+ (.*)$`)
	noWord   = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	verbatim = regexp.MustCompile("(?s)```.*?```|`[^`\n]+`")
)

// Links between documents lead to a file or folder that is there, and to a heading that is in it.
func TestEveryLinkInTheDocumentsLeadsSomewhere(t *testing.T) {
	t.Chdir(root)
	for _, page := range documents(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(verbatim.ReplaceAllString(string(text), ""), -1) {
			target := m[1] + m[2]
			if strings.Contains(target, "://") {
				continue
			}
			path, anchor, _ := strings.Cut(target, "#")
			file := page
			if path != "" {
				file = filepath.Join(filepath.Dir(page), path)
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s: the link to %s: %v", page, target, err)
				continue
			}
			if anchor == "" {
				continue
			}
			there, err := os.ReadFile(file)
			if err != nil {
				t.Errorf("%s: the link to %s: %v", page, target, err)
				continue
			}
			found := false
			for _, h := range heading.FindAllStringSubmatch(string(there), -1) {
				name := noWord.ReplaceAllString(strings.ToLower(strings.TrimSpace(h[1])), "")
				found = found || strings.ReplaceAll(name, " ", "-") == anchor
			}
			if !found {
				t.Errorf("%s: %s has no heading #%s", page, file, anchor)
			}
		}
	}
}

// A name of asyncio, with a method or without, and a keyword argument: in the list, and in a table.
var (
	asyncioKeyword = regexp.MustCompile(`^([\w.]+)\((\w+)=\)$`)
	tableName      = regexp.MustCompile("`([\\w.]+)`")
	tableKeywords  = regexp.MustCompile("`(?:([\\w.]+)\\()?((?:\\w+=(?:, )?)+)\\)?`")
)

// The list has each name of asyncio, and each keyword argument as function(keyword=). A row of the
// page has the same, or several keyword arguments in one, or the keyword alone if it means the same
// everywhere.
func TestEveryNameOfAsyncioHasItsLine(t *testing.T) {
	t.Chdir(root)
	text, err := os.ReadFile("docs/from-python.md")
	if err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadFile("internal/suite/testdata/asyncio-names.txt")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 {
			continue
		}
		for _, m := range tableName.FindAllStringSubmatch(cells[1], -1) {
			listed[m[1]] = true
		}
		for _, m := range tableKeywords.FindAllStringSubmatch(cells[1], -1) {
			for keyword := range strings.SplitSeq(m[2], ", ") {
				listed[m[1]+"("+keyword+")"] = true
			}
		}
	}
	names := 0
	for name := range strings.Lines(string(list)) {
		name = strings.TrimSpace(name)
		if name == "" || strings.HasPrefix(name, "#") {
			continue
		}
		names++
		found := listed[name]
		if m := asyncioKeyword.FindStringSubmatch(name); m != nil {
			found = found || listed["("+m[2]+"=)"]
		}
		if !found {
			t.Errorf("docs/from-python.md has no line for %s", name)
		}
	}
	if names < 400 {
		t.Errorf("the list has only %d names", names)
	}
}

// Each figure has a dark twin, which differs in its colours only, and is on a page.
func TestEachFigureHasADarkTwinAndIsOnAPage(t *testing.T) {
	t.Chdir(root)
	figures, err := filepath.Glob("docs/*.svg")
	if err != nil || len(figures) == 0 {
		t.Fatalf("no figures: %v", err)
	}
	var pages strings.Builder
	for _, page := range documents(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		pages.Write(text)
	}
	colour := regexp.MustCompile(`#[0-9a-f]{6}\b`)
	for _, figure := range figures {
		text, err := os.ReadFile(figure)
		if err != nil {
			t.Fatal(err)
		}
		if err := xml.Unmarshal(text, new(struct{})); err != nil {
			t.Errorf("%s: %v", figure, err)
		}
		if !strings.Contains(pages.String(), "/"+filepath.Base(figure)) {
			t.Errorf("%s is on no page", figure)
		}
		if strings.HasSuffix(figure, "-dark.svg") {
			continue
		}
		dark, err := os.ReadFile(strings.TrimSuffix(figure, ".svg") + "-dark.svg")
		if err != nil {
			t.Error(err)
			continue
		}
		if colour.ReplaceAllString(string(text), "") != colour.ReplaceAllString(string(dark), "") {
			t.Errorf("%s differs from its dark twin in more than colours", figure)
		}
	}
}

// Statistics and what only other packages implement or hand on need no Example of their own.
var shownElsewhere = regexp.MustCompile(
	`Statistics$|^(Await|Entry|EntryKey|EntryKind|Poller|PollEvent|ThreadOption|ThreadLimiter)$`)

func TestEveryFunctionAndTypeHasAnExample(t *testing.T) {
	t.Chdir(root)
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range doc.Examples(file) {
			if e.Output == "" && !e.EmptyOutput {
				t.Errorf("%s: Example%s has no checked output", name, e.Name)
			}
			subject, _, _ := strings.Cut(e.Name, "_") // the rest is a method, or a word of explanation
			shown[subject] = true
		}
	}
	names := exported(t, ".")
	for _, name := range slices.Sorted(maps.Keys(names)) {
		made, constructor := strings.CutPrefix(name, "New")
		switch {
		case names[name] != aFunction && names[name] != aType:
		case shown[name] || constructor && shown[made] || shownElsewhere.MatchString(name):
		default:
			t.Errorf("%s has no Example", name)
		}
	}
}

// What a guide or a program would show only for completeness: the parts that other packages here
// implement, and the names of values.
var notAConcept = regexp.MustCompile(`^(Entry|EntryKey|EntryKind|Entry[A-Z]\w+|Choose[A-Z]\w+|` +
	`Poll\w+|ThreadOption|MapOption|TaskOption|Option|TaskOrFuture|Await|CancelInfo|Interest|` +
	`ErrNoPoller|ErrNotReady|ErrOwnedDescriptor|ErrSignal)$`)

// Every concept of the root is in a program, or on a page of the guide or of the cookbook.
func TestEveryConceptIsShownInAProgramOrOnAPage(t *testing.T) {
	t.Chdir(root)
	var shown strings.Builder
	add := func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") ||
			strings.HasSuffix(path, ".md") {
			var text []byte
			if text, err = os.ReadFile(path); err == nil {
				shown.Write(text)
			}
		}
		return err
	}
	for _, dir := range []string{"examples", "docs/guide", "docs/cookbook"} {
		if err := filepath.WalkDir(dir, add); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]bool{}
	for _, m := range regexp.MustCompile(`\baio\.([A-Z]\w*)`).FindAllStringSubmatch(shown.String(), -1) {
		seen[m[1]] = true
	}
	names := exported(t, ".")
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if !strings.Contains(name, ".") && !seen[name] && !notAConcept.MatchString(name) {
			t.Errorf("aio.%s is in no program and on no page of the guide or the cookbook", name)
		}
	}
}
