package checks

import (
	"go/ast"
	"go/types"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/ctrlflow"
	"golang.org/x/tools/go/ast/inspector"
	"golang.org/x/tools/go/cfg"
)

// Cancel reports cancel functions that are not called.
var Cancel = &analysis.Analyzer{
	Name: "cancel",
	Doc: `report a cancel function of aio.WithTimeout, WithDeadline or WithCancelCause that is not called

Until it is called the timer of the context stays with the loop. Call it in a defer statement. go
vet's lostcancel says the same of package context.`,
	Run:      checkCancel,
	Requires: []*analysis.Analyzer{units, Ignore, ctrlflow.Analyzer},
}

func checkCancel(pass *analysis.Pass) (any, error) {
	p := pass.ResultOf[units].(*program)
	graphs := pass.ResultOf[ctrlflow.Analyzer].(*ctrlflow.CFGs)
	for c := range p.root.Preorder((*ast.CallExpr)(nil)) {
		call := c.Node().(*ast.CallExpr)
		fn := p.callee(call)
		if fn == nil || fn.Pkg() == nil || fn.Pkg().Path() != root {
			continue
		}
		if makesContext[fn.Name()] {
			p.checkCancelOf(pass, c, display(fn), graphs)
		}
	}
	return nil, nil
}

func (p *program) checkCancelOf(
	pass *analysis.Pass, c inspector.Cursor, name string, graphs *ctrlflow.CFGs,
) {
	var target ast.Expr
	switch s := c.Parent().Node().(type) {
	case *ast.AssignStmt:
		if len(s.Lhs) == 2 && len(s.Rhs) == 1 {
			target = s.Lhs[1]
		}
	case *ast.ValueSpec:
		if len(s.Names) == 2 && len(s.Values) == 1 {
			target = s.Names[1]
		}
	}
	id, ok := target.(*ast.Ident)
	if !ok {
		return // a field, or returned: the business of others
	}
	if id.Name == "_" {
		report(pass, analysis.Diagnostic{Pos: id.Pos(), Message: "the cancel function of " + name +
			" is dropped, so its timer stays with the loop; call it in a defer statement"})
		return
	}
	v, ok := pass.TypesInfo.ObjectOf(id).(*types.Var)
	if !ok || v.Parent() == pass.Pkg.Scope() {
		return
	}
	var g *cfg.CFG
	for f := range c.Enclosing((*ast.FuncDecl)(nil), (*ast.FuncLit)(nil)) {
		switch n := f.Node().(type) {
		case *ast.FuncDecl:
			g = graphs.FuncDecl(n)
		case *ast.FuncLit:
			g = graphs.FuncLit(n)
		}
		if v.Pos() < f.Node().Pos() || isResult(f.Node(), pass.TypesInfo, v) {
			return // a variable of the function around, or one that is returned
		}
		break
	}
	if g == nil {
		return
	}
	if lost := p.wayWithoutUse(g, c.Parent().Node(), v); lost != nil {
		report(pass, analysis.Diagnostic{
			Pos: id.Pos(), Message: "the cancel function of " + name +
				" is not called on every way; call it in a defer statement",
			Related: []analysis.RelatedInformation{
				{Pos: lost.Pos(), Message: "the function can return here without a call"},
			},
		})
	}
}

func isResult(fn ast.Node, info *types.Info, v *types.Var) bool {
	var results *ast.FieldList
	switch n := fn.(type) {
	case *ast.FuncDecl:
		results = n.Type.Results
	case *ast.FuncLit:
		results = n.Type.Results
	}
	if results != nil {
		for _, f := range results.List {
			for _, name := range f.Names {
				if info.Defs[name] == v {
					return true
				}
			}
		}
	}
	return false
}

// wayWithoutUse returns where the function returns without having used v after def, or nil.
func (p *program) wayWithoutUse(g *cfg.CFG, def ast.Node, v *types.Var) ast.Node {
	uses := func(n ast.Node) bool {
		found := false
		ast.Inspect(n, func(m ast.Node) bool {
			if m == def {
				return false
			}
			if s, ok := m.(*ast.AssignStmt); ok && len(s.Lhs) == 1 && isBlank(s.Lhs[0]) && n == m {
				return false // _ = cancel
			}
			if id, ok := m.(*ast.Ident); ok && p.pass.TypesInfo.Uses[id] == v {
				found = true
			}
			return !found
		})
		return found
	}
	seen := map[*cfg.Block]bool{}
	var walk func(b *cfg.Block, nodes []ast.Node) ast.Node
	walk = func(b *cfg.Block, nodes []ast.Node) ast.Node {
		for _, n := range nodes {
			if uses(n) {
				return nil
			}
		}
		if ret := b.Return(); ret != nil {
			return ret
		}
		for _, next := range b.Succs {
			if !seen[next] {
				seen[next] = true
				if lost := walk(next, next.Nodes); lost != nil {
					return lost
				}
			}
		}
		return nil
	}
	for _, b := range g.Blocks {
		for i, n := range b.Nodes {
			if n == def || contains(n, def) {
				return walk(b, b.Nodes[i+1:])
			}
		}
	}
	return nil
}

func contains(n, part ast.Node) bool {
	return n.Pos() <= part.Pos() && part.End() <= n.End()
}
