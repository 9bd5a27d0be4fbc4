// Command api lists the exported API of each package of the module, a declaration a line, in the
// folder api. A test compares the listings with the code, so the API changes only on purpose.
//
//	go run ./internal/cmd/api           says what differs, and fails if something does
//	go run ./internal/cmd/api -update   writes the listings
package main

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	update := flag.Bool("update", false, "write the listings")
	flag.Parse()
	differences, err := check(".", *update)
	if err != nil {
		fmt.Fprintln(os.Stderr, "api:", err)
		os.Exit(2)
	}
	for _, d := range differences {
		fmt.Println(d)
	}
	if len(differences) > 0 {
		os.Exit(1)
	}
}

// check compares the packages below root with the listings in its folder api. It returns the lines
// that differ, each with + (only in the code) or - (only in the listing). With update it writes the
// listings and returns nothing.
func check(root string, update bool) (differences []string, err error) {
	folders, err := packages(root)
	if err != nil {
		return nil, err
	}
	for _, folder := range folders {
		lines, err := list(filepath.Join(root, folder))
		if err != nil {
			return nil, err
		}
		name := filepath.Join(root, "api", listing(folder))
		if update {
			text := strings.Join(lines, "\n") + "\n"
			if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
				return nil, err
			}
			continue
		}
		old, err := os.ReadFile(name)
		if err != nil && !os.IsNotExist(err) {
			return nil, err
		}
		was := strings.Split(strings.TrimSpace(string(old)), "\n")
		for _, line := range lines {
			if !slices.Contains(was, line) {
				differences = append(differences, fmt.Sprintf("%s: + %s", listing(folder), line))
			}
		}
		for _, line := range was {
			if line != "" && !slices.Contains(lines, line) {
				differences = append(differences, fmt.Sprintf("%s: - %s", listing(folder), line))
			}
		}
	}
	return differences, nil
}

// listing is the name of the file for a folder.
func listing(folder string) string {
	if folder == "." {
		return "aio.txt"
	}
	return strings.ReplaceAll(folder, string(filepath.Separator), "_") + ".txt"
}

// packages returns the folders of root's module that hold packages others can import.
func packages(root string) (folders []string, err error) {
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if path != root {
			switch name := d.Name(); {
			case name == "internal", name == "testdata", name == "docs",
				strings.HasPrefix(name, "."):
				return filepath.SkipDir
			}
			if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil { // another module
				return filepath.SkipDir
			}
		}
		sources, err := filepath.Glob(filepath.Join(path, "*.go"))
		if err == nil && len(sources) > 0 {
			folder, _ := filepath.Rel(root, path)
			folders = append(folders, folder)
		}
		return err
	})
	return folders, err
}

// list returns the exported declarations of the package in folder, sorted, on all systems.
func list(folder string) ([]string, error) {
	sources, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		return nil, err
	}
	p := pkg{
		fset:    token.NewFileSet(),
		methods: map[string][]*ast.FuncDecl{},
		structs: map[string]*ast.StructType{},
	}
	var files []*ast.File
	for _, name := range sources {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(p.fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
		p.index(file)
	}
	var lines []string
	for _, file := range files {
		for _, decl := range file.Decls {
			lines = append(lines, p.declarations(decl)...)
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines), nil
}

// pkg is the information about a package that is needed to list a type with the methods that it
// embeds.
type pkg struct {
	fset    *token.FileSet
	methods map[string][]*ast.FuncDecl // of each unexported type, those that are exported
	structs map[string]*ast.StructType
}

func (p *pkg) index(file *ast.File) {
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil || !d.Name.IsExported() {
				continue
			}
			if t := receiver(d.Recv.List[0].Type); !ast.IsExported(t) {
				p.methods[t] = append(p.methods[t], d)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if s, ok := spec.(*ast.TypeSpec); ok {
					if t, ok := s.Type.(*ast.StructType); ok {
						p.structs[s.Name.Name] = t
					}
				}
			}
		}
	}
}

// promoted lists the exported methods that a struct has from the unexported types it embeds.
func (p *pkg) promoted(head string, t *ast.StructType) (lines []string) {
	for _, f := range t.Fields.List {
		if len(f.Names) > 0 {
			continue
		}
		name := receiver(f.Type)
		for _, m := range p.methods[name] {
			lines = append(lines,
				head+" struct, method "+m.Name.Name+strings.TrimPrefix(p.text(m.Type), "func"))
		}
		if inner := p.structs[name]; inner != nil && !ast.IsExported(name) {
			lines = append(lines, p.promoted(head, inner)...)
		}
	}
	return lines
}

func (p *pkg) declarations(decl ast.Decl) (lines []string) {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if !d.Name.IsExported() || d.Recv != nil && !ast.IsExported(receiver(d.Recv.List[0].Type)) {
			return nil
		}
		lines = append(lines, p.text(&ast.FuncDecl{Recv: d.Recv, Name: d.Name, Type: d.Type}))
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.ValueSpec:
				for _, name := range s.Names {
					if name.IsExported() {
						line := d.Tok.String() + " " + name.Name
						if s.Type != nil {
							line += " " + p.text(s.Type)
						}
						lines = append(lines, line)
					}
				}
			case *ast.TypeSpec:
				if s.Name.IsExported() {
					lines = append(lines, p.typeLines(s)...)
				}
			}
		}
	}
	return lines
}

// typeLines lists a type: its fields or methods have a line each, so that one more is one line
// more.
func (p *pkg) typeLines(s *ast.TypeSpec) []string {
	head := "type " + s.Name.Name
	if s.TypeParams != nil {
		var params []string
		for _, param := range s.TypeParams.List {
			for _, name := range param.Names {
				params = append(params, name.Name+" "+p.text(param.Type))
			}
		}
		head += "[" + strings.Join(params, ", ") + "]"
	}
	if s.Assign.IsValid() {
		head += " ="
	}
	var kind string
	var members []*ast.Field
	var promoted []string
	switch t := s.Type.(type) {
	case *ast.StructType:
		kind, members = " struct", t.Fields.List
		promoted = p.promoted(head, t)
	case *ast.InterfaceType:
		kind, members = " interface", t.Methods.List
	default:
		return []string{head + " " + p.text(s.Type)}
	}
	lines := append([]string{head + kind}, promoted...)
	sealed := false
	for _, m := range members {
		if len(m.Names) == 0 && (kind == " interface" || ast.IsExported(receiver(m.Type))) {
			lines = append(lines, head+kind+", "+p.text(m.Type))
		}
		for _, name := range m.Names {
			switch {
			case name.IsExported() && kind == " interface":
				lines = append(lines,
					head+kind+", "+name.Name+strings.TrimPrefix(p.text(m.Type), "func"))
			case name.IsExported():
				lines = append(lines, head+kind+", "+name.Name+" "+p.text(m.Type))
			case kind == " interface":
				sealed = true
			}
		}
	}
	if sealed {
		lines = append(lines, head+kind+", unexported methods")
	}
	return lines
}

// receiver returns the name of a receiver's type.
func receiver(t ast.Expr) string {
	switch x := t.(type) {
	case *ast.StarExpr:
		return receiver(x.X)
	case *ast.IndexExpr:
		return receiver(x.X)
	case *ast.IndexListExpr:
		return receiver(x.X)
	case *ast.Ident:
		return x.Name
	}
	return ""
}

// text prints a node on one line, however its source is broken into lines.
func (p *pkg) text(node any) string {
	var b bytes.Buffer
	printer.Fprint(&b, p.fset, node)
	line := strings.Join(strings.Fields(b.String()), " ")
	return strings.NewReplacer("( ", "(", ", )", ")").Replace(line)
}
