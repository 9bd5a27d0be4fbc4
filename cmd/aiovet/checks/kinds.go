package checks

import (
	"go/ast"
	"go/types"

	"golang.org/x/tools/go/ast/edge"
	"golang.org/x/tools/go/ast/inspector"
)

// kindOf says how the function that o names waits.
func (p *program) kindOf(o types.Object) kind {
	if o == nil {
		return never
	}
	fn, isFunc := o.(*types.Func)
	if isFunc && fn.Pkg() != nil && fn.Pkg().Path() == root {
		return waits[shortName(fn)]
	}
	if u := p.named[o]; u != nil {
		return u.kind
	}
	if v, isVar := o.(*types.Var); isVar && v.Kind() == types.LocalVar { // fetch := client.Fetch
		if values := p.valuesOf(v); len(values) == 1 {
			if fn, isFunc := p.target(values[0]).(*types.Func); isFunc {
				return p.kindOf(fn)
			}
		}
	}
	var fact Waits
	if isFunc && fn.Pkg() != p.pass.Pkg && p.pass.ImportObjectFact(fn, &fact) {
		switch {
		case fact.Dual:
			return dual
		case fact.Lazily:
			return lazily
		}
		return awaits
	}
	return never
}

// awaitAt says how a call waits where it stands: a sequence that awaits does so where it is used.
func (p *program) awaitAt(c inspector.Cursor) kind {
	call := c.Node().(*ast.CallExpr)
	k := p.kindOf(p.target(call.Fun))
	if k != lazily {
		return k
	}
	c = unparen(c)
	switch e, _ := c.ParentEdge(); e {
	case edge.RangeStmt_X:
		return awaits
	case edge.CallExpr_Args:
		results := p.pass.TypesInfo.TypeOf(c.Parent().Node().(*ast.CallExpr))
		if results == nil || isSequence(results) {
			return never
		}
		if t, ok := results.(*types.Pointer); ok && isIterator(t) {
			return never
		}
		return awaits
	}
	return never
}

// isIterator reports whether t has a method Next, so that it takes a sequence step by step.
func isIterator(t types.Type) bool {
	return types.NewMethodSet(t).Lookup(nil, "Next") != nil
}

// learn works out what u does from what its calls do, and reports whether that is news.
func (p *program) learn(u *unit) bool {
	if u.kind != never {
		return false
	}
	if fn, ok := u.obj.(*types.Func); ok && fn.Pkg().Path() == root &&
		waits[shortName(fn)] == dual {
		u.kind, u.asks = dual, true // in its own way
		return true
	}
	for _, c := range u.calls {
		switch p.awaitAt(c) {
		case awaits:
			u.kind = awaits
			if u.asks {
				u.kind = dual
			}
			return true
		}
	}
	results := u.sig.Results()
	if results.Len() == 1 && isSequence(results.At(0).Type()) && p.returnsLazily(u) {
		u.kind = lazily
		return true
	}
	return false
}

// returnsLazily reports whether u returns a literal that awaits, or the lazy result of another
// call.
func (p *program) returnsLazily(u *unit) bool {
	found := false
	ast.Inspect(body(u.node), func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.ReturnStmt:
			if len(n.Results) == 1 {
				switch r := ast.Unparen(n.Results[0]).(type) {
				case *ast.FuncLit:
					found = found || p.of[r] != nil && p.of[r].kind == awaits
				case *ast.CallExpr:
					found = found || p.kindOf(p.target(r.Fun)) == lazily
				}
			}
		}
		return true
	})
	return found
}
