package checks

import (
	"bytes"
	"go/ast"
	"go/format"
	"go/token"
	"go/types"
	"strconv"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ast/inspector"
)

// returnsError returns the statement that returns err from u, or "" if there is none that is safe.
func (p *program) returnsError(u *unit, c inspector.Cursor) string {
	results := u.sig.Results()
	n := results.Len()
	if n == 0 || !isError(results.At(n-1).Type()) {
		return ""
	}
	for f := range c.Enclosing((*ast.FuncDecl)(nil), (*ast.FuncLit)(nil)) {
		if f.Node() != u.node {
			return "" // a deferred literal returns to nobody
		}
		break
	}
	values := make([]string, 0, n)
	for v := range results.Variables() {
		if v.Name() == "err" && v != results.At(n-1) {
			return ""
		}
		values = append(values, zero(v.Type()))
	}
	values[n-1] = "err"
	for _, v := range values {
		if v == "" {
			return ""
		}
	}
	return "return " + strings.Join(values, ", ")
}

// zero returns the zero value of t as an expression, or "" if that needs the name of a type.
func zero(t types.Type) string {
	switch u := t.Underlying().(type) {
	case *types.Basic:
		switch {
		case u.Info()&types.IsBoolean != 0:
			return "false"
		case u.Info()&types.IsNumeric != 0:
			return "0"
		case u.Info()&types.IsString != 0:
			return `""`
		}
	case *types.Interface:
		if _, isParam := types.Unalias(t).(*types.TypeParam); isParam {
			return ""
		}
		return "nil"
	case *types.Pointer, *types.Slice, *types.Map, *types.Chan, *types.Signature:
		return "nil"
	}
	return ""
}

// checkedFix replaces a statement by one that returns its error.
func (p *program) checkedFix(
	u *unit,
	c inspector.Cursor,
	call, title string,
) []analysis.SuggestedFix {
	stmt, ok := c.Parent().Node().(*ast.ExprStmt)
	ret := p.returnsError(u, c)
	if !ok || ret == "" {
		return nil
	}
	indent := strings.Repeat("\t", max(0, p.pass.Fset.Position(stmt.Pos()).Column-1))
	text := "if err := " + call + "; err != nil {\n" + indent + "\t" + ret + "\n" + indent + "}"
	change := edit(stmt.Pos(), stmt.End(), text)
	return []analysis.SuggestedFix{{Message: title, TextEdits: []analysis.TextEdit{change}}}
}

// sleepFix makes aio.Sleep of time.Sleep where a context is at hand and the error can be returned.
func (p *program) sleepFix(u *unit, c inspector.Cursor) []analysis.SuggestedFix {
	call := c.Node().(*ast.CallExpr)
	pkg := p.importName(call.Pos())
	params := u.typ.Params.List
	if pkg == "" || len(params) == 0 || len(params[0].Names) == 0 || len(call.Args) != 1 {
		return nil
	}
	ctx := params[0].Names[0]
	info := p.pass.TypesInfo
	if ctx.Name == "_" || !isContext(info.TypeOf(ctx)) ||
		!p.visible(ctx.Name, info.Defs[ctx], call.Pos()) {
		return nil
	}
	return p.checkedFix(u, c, pkg+".Sleep("+ctx.Name+", "+p.text(call.Args[0])+")", "use aio.Sleep")
}

// visible reports whether name means o at pos.
func (p *program) visible(name string, o types.Object, pos token.Pos) bool {
	scope := p.pass.Pkg.Scope().Innermost(pos)
	if scope == nil {
		return false
	}
	_, found := scope.LookupParent(name, pos)
	return found == o
}

// importName returns by which name the file around pos imports aio, or "".
func (p *program) importName(pos token.Pos) string {
	for _, file := range p.pass.Files {
		if pos < file.FileStart || pos >= file.FileEnd {
			continue
		}
		for _, spec := range file.Imports {
			if path, err := strconv.Unquote(spec.Path.Value); err != nil || path != root {
				continue
			}
			name := "aio"
			if spec.Name != nil {
				name = spec.Name.Name
			}
			if _, o := p.pass.Pkg.Scope().Innermost(pos).LookupParent(name, pos); o != nil {
				if _, isPackage := o.(*types.PkgName); isPackage {
					return name
				}
			}
		}
	}
	return ""
}

func (p *program) text(e ast.Expr) string {
	var b bytes.Buffer
	if err := format.Node(&b, p.pass.Fset, e); err != nil {
		return types.ExprString(e)
	}
	return b.String()
}
