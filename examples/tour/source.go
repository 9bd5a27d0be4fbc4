package main

import (
	"bytes"
	"cmp"
	"embed"
	"errors"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// The programs' own source. What they share is cut out of it, so that each can be copied.
//
//go:embed *.go
var files embed.FS

// plainCalls are what the methods of a show are in a program of its own. %s is the list of
// arguments.
var plainCalls = map[string]string{
	"println":     "fmt.Println(%s)",
	"printf":      "fmt.Printf(%s)",
	"print":       "fmt.Print(%s)",
	"block":       "time.Sleep(%s)",
	"blockBeside": "time.Sleep(%s)",
	"now":         "time.Now()%s",
	"time":        "time.Now().Format(time.TimeOnly)%s",
	"random":      "rand.Float64()%s",
	"onLoop":      "aio.Run(%s)",
	"client":      "newClient()%s",
	"withNames":   "withNames(%s)",
}

// netCalls are those that differ with -net.
var netCalls = map[string]string{
	"client":    "&aiohttp.Client{Timeout: patience}%s",
	"withNames": "%s",
}

// source is the tour's own source, with what each name stands for.
type source struct {
	fset    *token.FileSet
	text    map[*token.File][]byte
	info    *types.Info
	pkg     *types.Package
	decls   map[types.Object]*declaration
	methods map[types.Object][]*declaration // of each type
	imports map[string]string               // the paths by the names
	show    types.Object
}

// declaration is one declaration of the top level.
type declaration struct {
	node ast.Node // with its comment: an *ast.FuncDecl or an *ast.GenDecl
}

// noImports makes every import fail: what other packages have is of no interest here.
type noImports struct{}

func (noImports) Import(string) (*types.Package, error) { return nil, errors.New("not needed") }

// readSource parses the embedded files.
func readSource() (*source, error) {
	src := &source{
		fset: token.NewFileSet(), text: map[*token.File][]byte{},
		info: &types.Info{Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{},
			Types: map[ast.Expr]types.TypeAndValue{}},
		decls: map[types.Object]*declaration{}, methods: map[types.Object][]*declaration{},
		imports: map[string]string{"log": "log", "fmt": "fmt", "time": "time"},
	}
	names, err := fs.Glob(files, "*.go")
	if err != nil {
		return nil, err
	}
	var parsed []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		file, err := parser.ParseFile(src.fset, name, text, parser.ParseComments|
			parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		src.text[src.fset.File(file.Pos())] = text
		parsed = append(parsed, file)
		for _, imported := range file.Imports {
			if p, err := strconv.Unquote(imported.Path.Value); err == nil {
				src.imports[packageName(p)] = p
			}
		}
	}
	config := types.Config{Importer: noImports{}, Error: func(error) {}}
	// There are errors: nothing is imported.
	src.pkg, _ = config.Check("tour", src.fset, parsed, src.info)
	src.show = src.pkg.Scope().Lookup("show")
	for _, file := range parsed {
		for _, d := range file.Decls {
			src.add(d)
		}
	}
	return src, nil
}

// packageName is the name of the package with a path: rand for math/rand/v2.
func packageName(p string) string {
	if base := path.Base(p); len(base) < 2 || base[0] != 'v' || base[1] < '0' || base[1] > '9' {
		return base
	}
	return path.Base(path.Dir(p))
}

func (src *source) add(d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		entry := &declaration{d}
		if on := src.receiver(d); on != nil && on != src.show {
			src.methods[on] = append(src.methods[on], entry)
			return
		}
		src.decls[src.info.Defs[d.Name]] = entry
	case *ast.GenDecl:
		entry := &declaration{d}
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				src.decls[src.info.Defs[s.Name]] = entry
			case *ast.ValueSpec:
				for _, name := range s.Names {
					src.decls[src.info.Defs[name]] = entry
				}
			}
		}
	}
}

// receiver is the type that a function is a method of, nil for none.
func (src *source) receiver(fn *ast.FuncDecl) types.Object {
	if fn.Recv == nil {
		return nil
	}
	x := fn.Recv.List[0].Type
	if star, ok := x.(*ast.StarExpr); ok {
		x = star.X
	}
	name, ok := x.(*ast.Ident)
	if !ok {
		return nil
	}
	return src.info.Uses[name]
}

// isShow reports whether an expression is a show, or has one embedded.
func (src *source) isShow(x ast.Expr) bool {
	t := src.info.Types[x].Type
	if name, ok := x.(*ast.Ident); ok {
		if obj := src.info.Uses[name]; obj != nil {
			t = obj.Type()
		}
	}
	if t == nil {
		return false
	}
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		t = p.Elem()
	}
	named, ok := types.Unalias(t).(*types.Named)
	if !ok {
		return false
	}
	if named.Obj() == src.show {
		return true
	}
	s, ok := named.Underlying().(*types.Struct)
	if !ok {
		return false
	}
	for f := range s.Fields() {
		if p, ok := f.Type().(*types.Pointer); ok && f.Embedded() {
			if inner, ok := p.Elem().(*types.Named); ok && inner.Obj() == src.show {
				return true
			}
		}
	}
	return false
}

// method returns the name of the show's method that is called, "" if it is another call.
func (src *source) method(call *ast.CallExpr) string {
	if sel, ok := call.Fun.(*ast.SelectorExpr); ok && src.isShow(sel.X) {
		return sel.Sel.Name
	}
	return ""
}

// standalone returns a program as a main.go.
func standalone(p *program, net bool) (string, error) {
	src, err := readSource()
	if err != nil {
		return "", err
	}
	main := src.pkg.Scope().Lookup(p.function())
	if main == nil || src.decls[main] == nil {
		return "", fmt.Errorf("the source of %s has no function %s", p.name, p.function())
	}
	c := &copier{source: src, net: net, wanted: map[*declaration]bool{}}
	first := src.decls[main]
	c.want(first)
	var rest []*declaration
	for d := range c.wanted {
		if d != first {
			rest = append(rest, d)
		}
	}
	slices.SortFunc(rest, func(a, b *declaration) int {
		return cmp.Compare(a.node.Pos(), b.node.Pos())
	})

	var body bytes.Buffer
	if p.plain != nil {
		fmt.Fprintf(&body, "func main() {\n\tif err := %s(context.Background()); err != nil {\n",
			p.function())
	} else {
		fmt.Fprintf(&body, "func main() {\n"+
			"\tif err := aio.Run(context.Background(), %s); err != nil {\n",
			p.function())
	}
	body.WriteString("\t\tlog.Fatal(err)\n\t}\n}\n")
	for _, d := range append([]*declaration{first}, rest...) {
		text := strings.ReplaceAll(c.copy(d), "time.Now().Sub(", "time.Since(")
		fmt.Fprintf(&body, "\n%s\n", text)
	}
	var text bytes.Buffer
	fmt.Fprintf(&text, "// %s: %s.\n//\n//\tgo mod init %s\n//\tgo get github.com/aio-go/aio\n"+
		"//\tgo run .\npackage main\n\n", p.name, p.about, p.name)
	if err := c.writeImports(&text, body.String()); err != nil {
		return "", err
	}
	text.Write(body.Bytes())
	out, err := format.Source(text.Bytes())
	return string(out), err
}

// writeImports writes the imports that a text needs.
func (src *source) writeImports(out *bytes.Buffer, body string) error {
	file, err := parser.ParseFile(token.NewFileSet(), "", "package main\n"+body, 0)
	if err != nil {
		return err
	}
	used := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok {
				used[src.imports[x.Name]] = true
			}
		}
		return true
	})
	delete(used, "")
	var standard, others []string
	for p := range used {
		if strings.Contains(p, ".") {
			others = append(others, strconv.Quote(p))
		} else {
			standard = append(standard, strconv.Quote(p))
		}
	}
	slices.Sort(standard)
	slices.Sort(others)
	fmt.Fprintf(out, "import (\n%s\n\n%s\n)\n\n", strings.Join(standard, "\n"),
		strings.Join(others, "\n"))
	return nil
}
