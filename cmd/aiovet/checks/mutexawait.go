package checks

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/ctrlflow"
	"golang.org/x/tools/go/ast/inspector"
	"golang.org/x/tools/go/cfg"
)

// MutexAwait reports mutexes that are held during an await.
var MutexAwait = &analysis.Analyzer{
	Name: "mutexawait",
	Doc: `report a sync.Mutex that is held during an await

Another task that locks the mutex meanwhile blocks the loop, so that the first one never gets to
unlock it. Use an aiosync.Lock, or unlock before the await. A function that awaits must not be
given to sync.Once either. What is locked in one function and unlocked in another is not seen.`,
	Run:      checkMutexAwait,
	Requires: []*analysis.Analyzer{units, Ignore, ctrlflow.Analyzer},
}

func checkMutexAwait(pass *analysis.Pass) (any, error) {
	p := pass.ResultOf[units].(*program)
	graphs := pass.ResultOf[ctrlflow.Analyzer].(*ctrlflow.CFGs)
	for _, u := range p.all {
		if u.asks {
			continue
		}
		p.checkOnce(pass, u)
		if !p.locks(u) {
			continue
		}
		var g *cfg.CFG
		switch n := u.node.(type) {
		case *ast.FuncDecl:
			g = graphs.FuncDecl(n)
		case *ast.FuncLit:
			g = graphs.FuncLit(n)
		}
		if g != nil {
			p.checkHeld(pass, g)
		}
	}
	return nil, nil
}

// mutexes maps the methods to +1 where they lock, 2 where they try, -1 where they unlock.
var mutexes = map[string]int{
	"sync.Mutex.Lock": 1, "sync.RWMutex.Lock": 1, "sync.RWMutex.RLock": 1, "sync.Locker.Lock": 1,
	"sync.Mutex.TryLock": 2, "sync.RWMutex.TryLock": 2, "sync.RWMutex.TryRLock": 2,
	"sync.Mutex.Unlock": -1, "sync.RWMutex.Unlock": -1, "sync.RWMutex.RUnlock": -1,
	"sync.Locker.Unlock": -1,
}

// mutexCall returns which mutex a call locks or unlocks.
func (p *program) mutexCall(call *ast.CallExpr) (mutex string, what int) {
	fn := p.callee(call)
	sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	if fn == nil || !ok {
		return "", 0
	}
	what = mutexes[nameOf(fn)]
	mutex = types.ExprString(sel.X)
	switch fn.Name() {
	case "RLock", "RUnlock", "TryRLock":
		mutex += " (for reading)"
	}
	return mutex, what
}

func (p *program) locks(u *unit) bool {
	for _, c := range u.calls {
		if _, what := p.mutexCall(c.Node().(*ast.CallExpr)); what > 0 {
			return true
		}
	}
	return false
}

// event is something in a block of the control flow that matters here.
type event struct {
	mutex string
	what  int // as in mutexes; 0: an await
	call  *ast.CallExpr
}

func (p *program) checkHeld(pass *analysis.Pass, g *cfg.CFG) {
	events := map[*cfg.Block][]event{}
	for _, b := range g.Blocks {
		for _, n := range b.Nodes {
			events[b] = append(events[b], p.events(n)...)
		}
	}
	for _, b := range g.Blocks {
		if !b.Live {
			continue
		}
		for i, e := range events[b] {
			switch e.what {
			case 1:
				p.reportHeld(pass, events, e, b, i+1)
			case 2:
				if next := whereTaken(b, e.call); next != nil {
					p.reportHeld(pass, events, e, next, 0)
				}
			}
		}
	}
}

// whereTaken returns the block where a mutex is held that the condition of an if has tried to lock.
func whereTaken(b *cfg.Block, call *ast.CallExpr) *cfg.Block {
	if len(b.Succs) != 2 || len(b.Nodes) == 0 {
		return nil
	}
	switch cond := b.Nodes[len(b.Nodes)-1].(type) {
	case *ast.CallExpr:
		if cond == call {
			return b.Succs[0]
		}
	case *ast.UnaryExpr:
		if cond.Op == token.NOT && ast.Unparen(cond.X) == call {
			return b.Succs[1]
		}
	}
	return nil
}

// reportHeld goes from where a mutex is locked to the first await on each way and reports it.
func (p *program) reportHeld(
	pass *analysis.Pass, events map[*cfg.Block][]event, lock event, b *cfg.Block, from int,
) {
	seen := map[*cfg.Block]bool{}
	var walk func(b *cfg.Block, from int) bool
	walk = func(b *cfg.Block, from int) bool {
		for _, e := range events[b][from:] {
			switch {
			case e.what == 0:
				report(pass, analysis.Diagnostic{
					Pos: e.call.Pos(),
					Message: fmt.Sprintf("%s awaits while %s is locked (line %d), "+
						"and who locks it meanwhile blocks the loop; "+
						"use an aiosync.Lock, or unlock first",
						p.nameOfTarget(p.target(e.call.Fun)), lock.mutex,
						pass.Fset.Position(lock.call.Pos()).Line),
					Related: []analysis.RelatedInformation{
						{Pos: lock.call.Pos(), Message: "locked here"},
					},
				})
				return true
			case e.what == -1 && e.mutex == lock.mutex:
				return false
			}
		}
		for _, next := range b.Succs {
			if !seen[next] {
				seen[next] = true
				if walk(next, 0) {
					return true
				}
			}
		}
		return false
	}
	walk(b, from)
}

// events returns what happens in a node, in order. Deferred calls happen later, so that a deferred
// Unlock leaves the mutex locked.
func (p *program) events(n ast.Node) []event {
	var out []event
	if r, ok := n.(*ast.RangeStmt); ok {
		n = r.X
	}
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.DeferStmt, *ast.GoStmt, *ast.FuncLit:
			return false
		case *ast.CallExpr:
			if lit, ok := ast.Unparen(n.Fun).(*ast.FuncLit); ok { // called at once
				var deferred []event
				for _, s := range lit.Body.List {
					if d, ok := s.(*ast.DeferStmt); ok {
						deferred = append(p.events(d.Call), deferred...)
					}
					out = append(out, p.events(s)...)
				}
				out = append(out, deferred...)
				return false
			}
			if mutex, what := p.mutexCall(n); what != 0 {
				out = append(out, event{mutex, what, n})
			} else if c, found := p.root.FindNode(n); found && p.awaitAt(c) == awaits {
				out = append(out, event{call: n})
			}
		}
		return true
	})
	return out
}

// checkOnce reports functions that await and are given to a sync.Once.
func (p *program) checkOnce(pass *analysis.Pass, u *unit) {
	for _, c := range u.calls {
		call := c.Node().(*ast.CallExpr)
		fn := p.callee(call)
		if fn == nil || len(call.Args) != 1 {
			continue
		}
		switch nameOf(fn) {
		case "sync.Once.Do", "sync.OnceFunc", "sync.OnceValue", "sync.OnceValues":
			if p.awaitsIn(c, call.Args[0]) {
				report(pass, analysis.Diagnostic{Pos: call.Pos(), Message: display(fn) +
					" holds a mutex during an await, and a second caller blocks the loop; " +
					"use an aiosync.Lock, or an aiocache.Cache"})
			}
		}
	}
}

func (p *program) awaitsIn(c inspector.Cursor, e ast.Expr) bool {
	lit, ok := ast.Unparen(e).(*ast.FuncLit)
	if !ok {
		return p.kindOf(p.target(e)) == awaits
	}
	for c := range c.Preorder((*ast.CallExpr)(nil)) {
		if contains(lit, c.Node()) && p.awaitAt(c) == awaits && p.around(c) == p.of[lit] {
			return true
		}
	}
	return false
}
