package checks

import (
	"go/ast"
	"go/types"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ast/inspector"
)

// AwaitErr reports awaits whose error nobody looks at.
var AwaitErr = &analysis.Analyzer{
	Name: "awaiterr",
	Doc: `report awaits whose error is dropped

The error of an await tells a task that it was cancelled. A task that drops it goes on with its
work, and a loop without end then spins. Reported are an await as a statement, a range over a
sequence that leaves the error out, and an error assigned to _ in a for loop that goes on until
something else ends it. An await in a defer statement does not count, and files of tests are left
out unless -awaiterr.tests says otherwise.`,
	Run:      checkAwaitErr,
	Requires: []*analysis.Analyzer{units, Ignore},
}

func checkAwaitErr(pass *analysis.Pass) (any, error) {
	p := pass.ResultOf[units].(*program)
	for _, u := range p.all {
		for _, c := range u.calls {
			call := c.Node().(*ast.CallExpr)
			o := p.target(call.Fun)
			if leftOut(pass, call.Pos()) {
				continue
			}
			if p.kindOf(o) == never || !endsInError(pass.TypesInfo.TypeOf(call)) || p.isCleanup(c) {
				continue
			}
			name := p.nameOfTarget(o)
			switch s := c.Parent().Node().(type) {
			case *ast.ExprStmt:
				report(pass, analysis.Diagnostic{
					Pos: call.Pos(), Message: "the error of " + name +
						" is dropped: it tells of a cancellation; return it",
					SuggestedFixes: p.droppedFix(u, c),
				})
			case *ast.RangeStmt:
				if s.X == call && s.Value == nil {
					report(pass, analysis.Diagnostic{Pos: call.Pos(),
						Message: "the errors of the sequence of " +
							name + " are dropped; range over the value and the error"})
				}
			case *ast.AssignStmt:
				if len(s.Rhs) == 1 && isBlank(s.Lhs[len(s.Lhs)-1]) && spins(c) {
					report(pass, analysis.Diagnostic{Pos: call.Pos(),
						Message: "the error of " + name +
							" is dropped in a loop, " +
							"which spins when the task is cancelled; return it"})
				}
			}
		}
	}
	return nil, nil
}

// isCleanup reports whether an await cannot fail because of a cancellation (its context is none, or
// comes from context.WithoutCancel), or stands in a deferred function.
func (p *program) isCleanup(c inspector.Cursor) bool {
	call := c.Node().(*ast.CallExpr)
	takesContext := false
	for _, arg := range call.Args {
		if t := p.pass.TypesInfo.TypeOf(arg); t != nil && implementsContext(t) {
			takesContext = true
			if p.isFree(arg) {
				return true
			}
		}
	}
	for c := range c.Enclosing((*ast.FuncLit)(nil), (*ast.FuncDecl)(nil), (*ast.DeferStmt)(nil)) {
		switch n := c.Node().(type) {
		case *ast.DeferStmt:
			return true
		case *ast.FuncDecl:
			return !takesContext
		case *ast.FuncLit:
			if u := p.of[n]; u != nil && u.node == n {
				return !takesContext
			}
		}
	}
	return !takesContext
}

// isFree reports whether a context was freed from cancellations: e is context.WithoutCancel(...),
// or derives from such a one.
func (p *program) isFree(e ast.Expr) bool { return p.derivesFree(e, map[types.Object]bool{}) }

func (p *program) derivesFree(e ast.Expr, seen map[types.Object]bool) bool {
	switch e := ast.Unparen(e).(type) {
	case *ast.CallExpr:
		if fn := p.callee(e); fn != nil && nameOf(fn) == "context.WithoutCancel" {
			return true
		}
		return len(e.Args) > 0 && p.derivesFree(e.Args[0], seen)
	case *ast.Ident:
		o := p.pass.TypesInfo.Uses[e]
		if seen[o] {
			return false
		}
		seen[o] = true
		for _, value := range p.valuesOf(o) {
			if p.derivesFree(value, seen) {
				return true
			}
		}
	case *ast.CompositeLit:
		return len(e.Elts) > 0 && p.derivesFree(e.Elts[0], seen)
	}
	return false
}

// valuesOf returns what is assigned to a variable.
func (p *program) valuesOf(o types.Object) []ast.Expr {
	p.once.Do(func() {
		p.values = map[types.Object][]ast.Expr{}
		for c := range p.root.Preorder((*ast.AssignStmt)(nil)) {
			s := c.Node().(*ast.AssignStmt)
			for i, l := range s.Lhs {
				if id, ok := l.(*ast.Ident); ok {
					if v := p.pass.TypesInfo.ObjectOf(id); v != nil {
						p.values[v] = append(p.values[v], s.Rhs[min(i, len(s.Rhs)-1)])
					}
				}
			}
		}
	})
	return p.values[o]
}

func (p *program) nameOfTarget(o types.Object) string {
	if fn, ok := o.(*types.Func); ok {
		return display(fn)
	}
	return o.Name()
}

// droppedFix returns the error, if it is the only result.
func (p *program) droppedFix(u *unit, c inspector.Cursor) []analysis.SuggestedFix {
	call := c.Node().(*ast.CallExpr)
	if t := p.pass.TypesInfo.TypeOf(call); t == nil || !isError(t) {
		return nil
	}
	return p.checkedFix(u, c, p.text(call), "return the error")
}

// endsInError reports whether the last result is an error, or the last value of a sequence is.
func endsInError(t types.Type) bool {
	switch t := t.(type) {
	case nil:
		return false
	case *types.Tuple:
		return t.Len() > 0 && isError(t.At(t.Len()-1).Type())
	}
	if isSequence(t) {
		args := types.Unalias(t).(*types.Named).TypeArgs()
		return args.Len() == 2 && isError(args.At(1))
	}
	return isError(t)
}

func isBlank(e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == "_"
}

// spins reports whether the statement stands in a for loop that nothing else seems to end: it has
// no return, no break and no other error that is looked at.
func spins(c inspector.Cursor) bool {
	around := c.Enclosing(
		(*ast.ForStmt)(nil), (*ast.RangeStmt)(nil), (*ast.FuncLit)(nil), (*ast.FuncDecl)(nil))
	for c := range around {
		loop, ok := c.Node().(*ast.ForStmt)
		if !ok {
			return false
		}
		if loop.Cond != nil || loop.Post != nil {
			return false
		}
		ends := false
		ast.Inspect(loop.Body, func(n ast.Node) bool {
			switch n.(type) {
			case *ast.FuncLit:
				return false
			case *ast.ReturnStmt, *ast.BranchStmt:
				ends = true
			}
			return true
		})
		return !ends
	}
	return false
}
