package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// copier copies declarations and takes the show out of them.
type copier struct {
	*source
	net    bool
	wanted map[*declaration]bool
}

// replacement is what the call of a show's method becomes, "" if it stays a call of a function
// here.
func (c *copier) replacement(method string) string {
	if c.net && netCalls[method] != "" {
		return netCalls[method]
	}
	return plainCalls[method]
}

// want adds a declaration, and all that it needs.
func (c *copier) want(d *declaration) {
	if d == nil || c.wanted[d] {
		return
	}
	c.wanted[d] = true
	ast.Inspect(d.node, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			method := c.method(n)
			switch text := c.replacement(method); {
			case method == "":
			case text == "": // a method that is a program's own
				for obj, d := range c.decls {
					if fn, ok := d.node.(*ast.FuncDecl); ok && fn.Name.Name == method &&
						c.receiver(fn) == c.show && obj != nil {
						c.want(d)
					}
				}
			default: // what the text names
				for _, name := range []string{"newClient", "withNames", "patience"} {
					if strings.Contains(text, name) {
						c.wantObject(c.pkg.Scope().Lookup(name))
					}
				}
			}
		case *ast.Ident:
			c.wantObject(c.info.Uses[n])
		}
		return true
	})
}

func (c *copier) wantObject(obj types.Object) {
	if obj == nil || obj == c.show || obj.Parent() != c.pkg.Scope() {
		return
	}
	c.want(c.decls[obj])
	for _, m := range c.methods[obj] {
		c.want(m)
	}
}

// edit replaces the text between two places.
type edit struct {
	from, to token.Pos
	text     string
}

// copy returns the text of a declaration without the show.
func (c *copier) copy(d *declaration) string {
	from, to := d.node.Pos(), d.node.End()
	switch n := d.node.(type) {
	case *ast.FuncDecl:
		if n.Doc != nil {
			from = n.Doc.Pos()
		}
	case *ast.GenDecl:
		if n.Doc != nil {
			from = n.Doc.Pos()
		}
	}
	return c.edited(d.node, from, to)
}

// edited returns the text from one place in a node to another, with all edits of the node.
func (c *copier) edited(n ast.Node, from, to token.Pos) string {
	file := c.fset.File(from)
	text := c.text[file]
	var out strings.Builder
	at := from
	for _, e := range c.edits(n) {
		if e.from < at || e.to > to {
			continue // inside one that is made already, or outside
		}
		out.Write(text[file.Offset(at):file.Offset(e.from)])
		out.WriteString(e.text)
		at = e.to
	}
	out.Write(text[file.Offset(at):file.Offset(to)])
	return out.String()
}

// edits are what has to be done to a node, in the order of the text; an outer one is before those
// inside it, which it includes.
func (c *copier) edits(n ast.Node) []edit {
	var edits []edit
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Recv != nil && c.receiver(n) == c.show {
				edits = append(edits, edit{n.Recv.Pos(), n.Name.Pos(), ""})
			}
		case *ast.FieldList:
			for i, field := range n.List {
				if star, ok := field.Type.(*ast.StarExpr); ok {
					if name, ok := star.X.(*ast.Ident); ok && c.info.Uses[name] == c.show {
						edits = append(edits, without(n.List, i))
					}
				}
			}
		case *ast.CompositeLit:
			for i, x := range n.Elts {
				if name, ok := x.(*ast.Ident); ok && c.isShow(name) {
					edits = append(edits, without(n.Elts, i))
				}
			}
		case *ast.AssignStmt: // ctx = s.withNames(ctx), which does nothing with -net
			if call, ok := n.Rhs[0].(*ast.CallExpr); ok && c.replacement(c.method(call)) == "%s" {
				edits = append(edits, edit{n.Pos(), n.End() + 1, ""}) // with the end of its line
			}
		case *ast.CallExpr:
			if method := c.method(n); method != "" {
				arguments := ""
				if len(n.Args) > 0 {
					last := n.Args[len(n.Args)-1]
					for _, a := range n.Args {
						arguments += c.edited(a, a.Pos(), a.End())
						if a != last {
							arguments += ", "
						}
					}
				}
				text := c.replacement(method)
				if text == "" {
					text = method + "(%s)"
				}
				edits = append(edits, edit{n.Pos(), n.End(), fmt.Sprintf(text, arguments)})
				break
			}
			for i, x := range n.Args {
				if name, ok := x.(*ast.Ident); ok && c.isShow(name) {
					edits = append(edits, without(n.Args, i))
				}
			}
		}
		return true
	})
	slices.SortStableFunc(edits, func(a, b edit) int {
		if a.from != b.from {
			return int(a.from - b.from)
		}
		return int(b.to - a.to)
	})
	return edits
}

// without takes an element out of a list, with a comma.
func without[N ast.Node](list []N, i int) edit {
	switch {
	case i > 0:
		return edit{list[i-1].End(), list[i].End(), ""}
	case len(list) > 1:
		return edit{list[0].Pos(), list[1].Pos(), ""}
	}
	return edit{list[0].Pos(), list[0].End(), ""}
}
