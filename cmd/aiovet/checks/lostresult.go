package checks

import (
	"go/ast"
	"go/types"

	"golang.org/x/tools/go/analysis"
)

// LostResult reports tasks and futures that nobody can await.
var LostResult = &analysis.Analyzer{
	Name: "lostresult",
	Doc: `report tasks whose result nobody can get, and functions that are made but not called

A task made by aio.CreateTask or aio.GoValue has a result, and only its handle leads there. The
errors of such tasks are reported by the loop or end the group, so that aio.Start and TaskGroup.Go
may stand alone. aio.Bind and aio.Action call nothing, and aio.NewFuture starts nothing. Files of
tests are left out unless -lostresult.tests says otherwise.`,
	Run:      checkLostResult,
	Requires: []*analysis.Analyzer{units, Ignore},
}

func checkLostResult(pass *analysis.Pass) (any, error) {
	p := pass.ResultOf[units].(*program)
	for c := range p.root.Preorder((*ast.ExprStmt)(nil)) {
		call, ok := ast.Unparen(c.Node().(*ast.ExprStmt).X).(*ast.CallExpr)
		if !ok || leftOut(pass, call.Pos()) {
			continue
		}
		fn := p.callee(call)
		if fn == nil || fn.Pkg() == nil || fn.Pkg().Path() != root {
			continue
		}
		text := ""
		switch name := shortName(fn); name {
		case "CreateTask", "GoValue":
			if hasResult(pass.TypesInfo.TypeOf(call)) {
				text = "nobody can get the result of this task; keep what " + display(
					fn,
				) + " returns, or use " +
					map[string]string{"CreateTask": "aio.Start", "GoValue": "TaskGroup.Go"}[name]
			}
		case "NewFuture":
			text = "nobody can await this future, or set it; keep what aio.NewFuture returns"
		case "Bind", "Bind2", "Bind3", "Action":
			text = display(fn) + " only makes a function; call it, or give it to aio.CreateTask"
		}
		if text != "" {
			report(pass, analysis.Diagnostic{Pos: call.Pos(), Message: text})
		}
	}
	return nil, nil
}

// hasResult reports whether t is a *Task[T] with a T other than the empty struct.
func hasResult(t types.Type) bool {
	p, ok := t.(*types.Pointer)
	if !ok {
		return false
	}
	named, ok := types.Unalias(p.Elem()).(*types.Named)
	if !ok || named.TypeArgs().Len() != 1 {
		return false
	}
	s, ok := named.TypeArgs().At(0).Underlying().(*types.Struct)
	return !ok || s.NumFields() > 0
}
