package checks

import (
	"go/ast"
	"go/types"

	"golang.org/x/tools/go/ast/edge"
)

// findParams collects the parameters that are functions, and their uses.
func (p *program) findParams() {
	for _, u := range p.all {
		if _, ok := u.node.(*ast.FuncDecl); !ok {
			continue
		}
		for v := range u.sig.Params().Variables() {
			if _, ok := v.Type().Underlying().(*types.Signature); ok {
				p.params[v] = &param{of: u}
			}
		}
	}
	for c := range p.root.Preorder((*ast.Ident)(nil)) {
		if f := p.params[p.pass.TypesInfo.Uses[c.Node().(*ast.Ident)]]; f != nil {
			f.uses = append(f.uses, c)
		}
	}
}

// learnParam works out where a parameter runs, and reports whether that is news. If it runs in
// several places, the one outside of the loop wins: what is right there need not be right in a
// task.
func (p *program) learnParam(f *param) bool {
	where := unknown
	for _, c := range f.uses {
		at := unknown
		if e, _ := c.ParentEdge(); e == edge.CallExpr_Fun {
			if u := p.around(c); u != nil {
				at = p.placeOf(u)
			}
		} else {
			at = p.handedTo(c)
		}
		if at == offLoop || where == unknown {
			where = at
		}
	}
	if f.of.asks {
		where = unknown
	}
	if where == f.where {
		return false
	}
	f.where = where
	return true
}

// placeOf says where a unit runs.
func (p *program) placeOf(u *unit) place {
	if u.asks {
		return unknown
	}
	if _, ok := u.node.(*ast.FuncLit); ok {
		if c, found := p.root.FindNode(u.node); found {
			if where := p.handedTo(c); where != unknown {
				return where
			}
		}
	}
	if u.kind == awaits {
		return inTask
	}
	return unknown
}

// whereItRuns says where the argument i of a call of fn runs, if that is a function.
func (p *program) whereItRuns(fn *types.Func, i int) place {
	if where, known := inTable(fn, i); known {
		return where
	}
	params := fn.Signature().Params()
	last := min(i, params.Len()-1)
	if last < 0 {
		return unknown
	}
	if f := p.params[params.At(last)]; f != nil && f.where != unknown {
		return f.where
	}
	var fact Hands
	if fn.Pkg() != p.pass.Pkg && p.pass.ImportObjectFact(fn, &fact) && last < len(fact.Where) {
		if where := place(fact.Where[last]); where != unknown {
			return where
		}
	}
	return byType(fn, i)
}
