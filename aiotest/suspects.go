package aiotest

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"go/types"
	"path"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// place is a line of the program.
type place struct {
	file string // with its whole path
	line int
}

// suspects looks in the source of a program for what makes its runs differ. It begins with the
// function and the places, and follows calls within their packages.
func suspects(fn program, places map[place]bool) []string {
	pc := reflect.ValueOf(fn).Pointer()
	f := runtime.FuncForPC(pc)
	if f == nil {
		return nil
	}
	file, line := f.FileLine(pc)
	byDir := map[string][]place{filepath.Dir(file): {{file, line}}}
	for p := range places {
		dir := filepath.Dir(p.file)
		byDir[dir] = append(byDir[dir], p)
	}
	var found []string
	for dir, from := range byDir {
		if s := newSuspicion(dir, from[0].file); s != nil {
			for _, p := range from {
				s.function(p)
			}
			found = append(found, s.found...)
		}
	}
	return found
}

// suspicion looks through one package.
type suspicion struct {
	fset  *gotoken.FileSet
	files []*ast.File
	info  types.Info
	seen  map[ast.Node]bool
	decls map[types.Object]*ast.FuncDecl
	found []string
}

// newSuspicion parses the package of a file. What it imports is not looked at, so types of other
// packages stay unknown. It returns nil if there is no source.
func newSuspicion(dir, file string) *suspicion {
	s := &suspicion{
		fset:  gotoken.NewFileSet(),
		seen:  map[ast.Node]bool{},
		decls: map[types.Object]*ast.FuncDecl{},
		info: types.Info{
			Types: map[ast.Expr]types.TypeAndValue{},
			Uses:  map[*ast.Ident]types.Object{},
			Defs:  map[*ast.Ident]types.Object{},
		},
	}
	main, err := parser.ParseFile(s.fset, file, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil
	}
	s.files = append(s.files, main)
	names, _ := filepath.Glob(filepath.Join(dir, "*.go"))
	for _, name := range names {
		if name == file {
			continue
		}
		f, err := parser.ParseFile(s.fset, name, nil, parser.SkipObjectResolution)
		if err == nil && f.Name.Name == main.Name.Name {
			s.files = append(s.files, f)
		}
	}
	conf := types.Config{Importer: noImporter{}, Error: func(error) {}, FakeImportC: true}
	conf.Check(dir, s.fset, s.files, &s.info) // as far as that goes
	for _, f := range s.files {
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok {
				s.decls[s.info.Defs[fn.Name]] = fn
			}
		}
	}
	return s
}

type noImporter struct{}

func (noImporter) Import(string) (*types.Package, error) { return nil, errors.New("not looked at") }

// function looks at the innermost function around a place.
func (s *suspicion) function(p place) {
	for _, f := range s.files {
		if s.fset.File(f.Pos()).Name() != p.file {
			continue
		}
		var inner ast.Node
		ast.Inspect(f, func(n ast.Node) bool {
			switch n.(type) {
			case *ast.FuncDecl, *ast.FuncLit:
				from, to := s.fset.Position(n.Pos()).Line, s.fset.Position(n.End()).Line
				if from <= p.line && p.line <= to {
					inner = n
				}
			}
			return true
		})
		s.look(inner)
	}
}

// look goes through a function, and through those of the package that it calls.
func (s *suspicion) look(fn ast.Node) {
	if fn == nil || fn == ast.Node((*ast.FuncDecl)(nil)) || s.seen[fn] {
		return
	}
	s.seen[fn] = true
	ast.Inspect(fn, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			s.add(n, strangeText)
		case *ast.SelectStmt:
			if len(n.Body.List) > 1 {
				s.add(n, "select takes any of the channels that are ready; use aio.Select")
			}
		case *ast.RangeStmt:
			if t := s.info.TypeOf(n.X); t != nil {
				if _, ok := t.Underlying().(*types.Map); ok {
					s.add(n, "the order of a map differs in each run; sort the keys")
				}
			}
			if call, ok := n.X.(*ast.CallExpr); ok && s.packageOf(call.Fun) == "maps" {
				s.add(n, "the order of a map differs in each run; sort the keys")
			}
		case *ast.SelectorExpr:
			s.selector(n)
			s.look(s.decls[s.info.Uses[n.Sel]])
		case *ast.Ident:
			s.look(s.decls[s.info.Uses[n]])
		}
		return true
	})
}

// clockNames are what of package time tells the machine's time.
var clockNames = []string{
	"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker",
}

// limitNames are what of package context goes by the machine's time.
var limitNames = []string{
	"WithTimeout", "WithDeadline", "WithTimeoutCause", "WithDeadlineCause",
}

func (s *suspicion) selector(n *ast.SelectorExpr) {
	name := n.Sel.Name
	switch pkg := s.packageOf(n); {
	case pkg == "time" && slices.Contains(clockNames, name):
		s.add(n, "time."+name+" is the machine's clock; use aio.Loop.Time, aio.Now and aio.Sleep")
	case pkg == "context" && slices.Contains(limitNames, name):
		s.add(n, "context."+name+" follows the machine's clock; use aio.Timeout or aio.WithTimeout")
	case (pkg == "math/rand" || pkg == "math/rand/v2") && !strings.HasPrefix(name, "New") &&
		!slices.Contains([]string{"Rand", "Source", "PCG", "ChaCha8", "Zipf"}, name):
		s.add(n, "rand."+name+" has no seed; use aio.Loop.Rand")
	case pkg == "crypto/rand":
		s.add(n, "rand."+name+" differs in each run; use aio.Loop.Rand in tests")
	}
}

// packageOf returns the path of the package that a selector names, if it is one.
func (s *suspicion) packageOf(e ast.Expr) string {
	sel, ok := e.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	id, ok := sel.X.(*ast.Ident)
	if !ok {
		return ""
	}
	if v, ok := s.info.Uses[id]; ok {
		if _, ok := v.(*types.PkgName); !ok {
			return "" // a variable
		}
	}
	name := s.fset.File(id.Pos()).Name()
	i := slices.IndexFunc(s.files, func(f *ast.File) bool {
		return s.fset.File(f.Pos()).Name() == name
	})
	for _, spec := range s.files[i].Imports {
		full, _ := strconv.Unquote(spec.Path.Value)
		local := path.Base(full)
		if full == "math/rand/v2" {
			local = "rand"
		}
		if spec.Name != nil {
			local = spec.Name.Name
		}
		if local == id.Name {
			return full
		}
	}
	return ""
}

func (s *suspicion) add(n ast.Node, what string) {
	at := s.fset.Position(n.Pos())
	s.found = append(s.found, fmt.Sprintf("%s:%d: %s", filepath.Base(at.Filename), at.Line, what))
}
