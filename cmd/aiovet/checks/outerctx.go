package checks

import (
	"fmt"
	"go/ast"
	"go/types"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ast/inspector"
)

// OuterCtx reports awaits with a context from outside of the function that has one of its own.
var OuterCtx = &analysis.Analyzer{
	Name: "outerctx",
	Doc: `report the context of a function around a block or task, used inside of it

The function given to aio.Group, aio.Timeout, Lock.With, TaskGroup.Go and the like gets a context
of its own. An await with the context that the block was made with ends with the block all the
same, but lacks the values of the inner context, and readers take it for one that does not end.
Contexts made by context.WithoutCancel do not count, nor does the context of a new task.`,
	Run:      checkOuterCtx,
	Requires: []*analysis.Analyzer{units, Ignore},
}

func checkOuterCtx(pass *analysis.Pass) (any, error) {
	p := pass.ResultOf[units].(*program)
	for _, u := range p.all {
		lit, ok := u.node.(*ast.FuncLit)
		if !ok || u.place != inTask {
			continue
		}
		own := ownContext(pass, lit)
		if own == nil {
			continue
		}
		top, _ := p.root.FindNode(lit)
		p.checkUses(pass, u, top, own)
	}
	return nil, nil
}

// ownContext returns the first parameter of a literal if it is a context.
func ownContext(pass *analysis.Pass, lit *ast.FuncLit) *ast.Field {
	params := lit.Type.Params.List
	if len(params) == 0 || !isContext(pass.TypesInfo.TypeOf(params[0].Type)) {
		return nil
	}
	return params[0]
}

func (p *program) checkUses(pass *analysis.Pass, u *unit, top inspector.Cursor, own *ast.Field) {
	renamed := false
	for c := range top.Preorder((*ast.CallExpr)(nil)) {
		call := c.Node().(*ast.CallExpr)
		if p.around(c) != u || len(call.Args) == 0 || !p.takesTaskContext(call) {
			continue
		}
		id, ok := ast.Unparen(call.Args[0]).(*ast.Ident)
		if !ok {
			continue
		}
		outer, ok := pass.TypesInfo.Uses[id].(*types.Var)
		if !ok || !isContext(outer.Type()) || !p.isGivenAway(top, outer) || p.isFree(id) {
			continue
		}
		d := analysis.Diagnostic{Pos: id.Pos(), End: id.End(), Message: fmt.Sprintf(
			"%s is a context from outside of this function, which has its own; use that", id.Name)}
		switch {
		case len(own.Names) == 0:
		case own.Names[0].Name != "_":
			name := own.Names[0]
			if p.visible(name.Name, pass.TypesInfo.Defs[name], id.Pos()) {
				d.SuggestedFixes = []analysis.SuggestedFix{{
					Message: "use " + name.Name, TextEdits: []analysis.TextEdit{edit(id.Pos(),
						id.End(), name.Name)},
				}}
			}
		case !renamed:
			renamed = true // one edit mends all of them
			d.SuggestedFixes = []analysis.SuggestedFix{{
				Message: "name the function's own context " + id.Name,
				TextEdits: []analysis.TextEdit{
					edit(own.Names[0].Pos(), own.Names[0].End(), id.Name),
				},
			}}
		}
		report(pass, d)
	}
}

var makesContext = map[string]bool{
	"WithTimeout":     true,
	"WithDeadline":    true,
	"WithCancelCause": true,
}

// takesTaskContext reports whether a call awaits, or derives a context to await with.
func (p *program) takesTaskContext(call *ast.CallExpr) bool {
	o := p.target(call.Fun)
	if p.kindOf(o) != never {
		return true
	}
	fn, ok := o.(*types.Func)
	return ok && fn.Pkg() != nil && fn.Pkg().Path() == root && makesContext[fn.Name()]
}

// isParameterAround reports whether v is the first parameter of a function around the literal.
func (p *program) isParameterAround(lit inspector.Cursor, v *types.Var) bool {
	for c := range lit.Parent().Enclosing((*ast.FuncDecl)(nil), (*ast.FuncLit)(nil)) {
		var typ *ast.FuncType
		switch n := c.Node().(type) {
		case *ast.FuncDecl:
			typ = n.Type
		case *ast.FuncLit:
			typ = n.Type
		}
		for _, field := range typ.Params.List {
			for _, name := range field.Names {
				if p.pass.TypesInfo.Defs[name] == v {
					return true
				}
			}
		}
	}
	return false
}

// isGivenAway reports whether v is the context that one of the blocks around, up to the function
// that v belongs to, was made with. Or the blocks are made without one, as by TaskGroup.Go. A block
// that was made with another context uses v on purpose.
func (p *program) isGivenAway(lit inspector.Cursor, v *types.Var) bool {
	none := true
	for c := range lit.Enclosing((*ast.CallExpr)(nil)) {
		call := c.Node().(*ast.CallExpr)
		if v.Pos() >= call.Pos() && v.Pos() < call.End() && p.declaredIn(call, v) {
			break
		}
		for _, arg := range call.Args {
			if t := p.pass.TypesInfo.TypeOf(arg); t == nil || !implementsContext(t) {
				continue
			}
			none = false
			if id, ok := ast.Unparen(arg).(*ast.Ident); ok && p.pass.TypesInfo.Uses[id] == v {
				return true
			}
		}
	}
	return none && p.isParameterAround(lit, v)
}

// declaredIn reports whether v is a parameter of a literal that is an argument of call.
func (p *program) declaredIn(call *ast.CallExpr, v *types.Var) bool {
	for _, arg := range call.Args {
		if lit, ok := ast.Unparen(arg).(*ast.FuncLit); ok {
			for _, field := range lit.Type.Params.List {
				for _, name := range field.Names {
					if p.pass.TypesInfo.Defs[name] == v {
						return true
					}
				}
			}
		}
	}
	return false
}
