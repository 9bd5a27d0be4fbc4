package checks

import (
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ast/inspector"
)

// AwaitGo reports awaits that run on a goroutine that is not the loop's, or in a callback.
var AwaitGo = &analysis.Analyzer{
	Name: "awaitgo",
	Doc: `report awaits outside of a task

An await on another goroutine panics when it runs: in a go statement, in WaitGroup.Go,
errgroup.Group.Go, time.AfterFunc, context.AfterFunc or t.Run, and in a function given to
aio.ToThread or aio.Blocking. So does one in a callback (Loop.CallSoon, Loop.CallLater,
AddDoneCallback). Use aio.Submit on other goroutines, and start a task in a callback.`,
	Run:      checkAwaitGo,
	Requires: []*analysis.Analyzer{units, Ignore},
}

func checkAwaitGo(pass *analysis.Pass) (any, error) {
	p := pass.ResultOf[units].(*program)
	for _, u := range p.all {
		if u.asks || u.place != offLoop && u.place != inCallback {
			continue
		}
		for _, c := range u.calls {
			if p.awaitAt(c) == awaits {
				call := c.Node().(*ast.CallExpr)
				p.outsideOfTask(pass, call.Pos(), p.target(call.Fun), u.place)
			}
		}
	}
	// go worker(ctx), wg.Go(worker)
	for c := range p.root.Preorder((*ast.Ident)(nil), (*ast.SelectorExpr)(nil)) {
		p.checkHanded(pass, c)
	}
	return nil, nil
}

// checkHanded looks at a function that awaits and is handed over by its name.
func (p *program) checkHanded(pass *analysis.Pass, c inspector.Cursor) {
	var o types.Object
	switch n := c.Node().(type) {
	case *ast.Ident:
		if s, ok := c.Parent().Node().(*ast.SelectorExpr); ok && s.Sel == n {
			return
		}
		o = origin(pass.TypesInfo.Uses[n])
	case *ast.SelectorExpr:
		o = origin(pass.TypesInfo.Uses[n.Sel])
	}
	if p.kindOf(o) != awaits {
		return
	}
	if where := p.handedTo(c); where == offLoop || where == inCallback {
		p.outsideOfTask(pass, c.Node().Pos(), o, where)
	}
}

func (p *program) outsideOfTask(pass *analysis.Pass, at token.Pos, o types.Object, where place) {
	name := o.Name()
	if fn, ok := o.(*types.Func); ok {
		name = display(fn)
	}
	text := name + " awaits, but runs on a goroutine that is not the loop's; " +
		"use aio.Submit, or start a task"
	if where == inCallback {
		text = name + " awaits, but a callback cannot wait; " +
			"start a task with aio.CreateTask(loop.Context(), ...)"
	}
	report(pass, analysis.Diagnostic{Pos: at, Message: text})
}
