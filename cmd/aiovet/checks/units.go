package checks

import (
	"go/ast"
	"go/types"
	"reflect"
	"strings"
	"sync"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/inspect"
	"golang.org/x/tools/go/ast/edge"
	"golang.org/x/tools/go/ast/inspector"
	"golang.org/x/tools/go/types/typeutil"
)

// units finds out which functions await and where function literals run. It reports nothing; the
// other checks stand on it.
var units = &analysis.Analyzer{
	Name:       "aiounits",
	Doc:        "find the functions that await",
	Run:        findUnits,
	Requires:   []*analysis.Analyzer{inspect.Analyzer},
	ResultType: reflect.TypeFor[*program](),
	FactTypes:  []analysis.Fact{new(Waits), new(Stops), new(Hands)},
}

// Waits is the fact that a function awaits.
type Waits struct {
	Lazily bool // it returns a sequence that does
	Dual   bool // in a task it awaits; it may be called elsewhere, too
}

// AFact makes it a fact.
func (*Waits) AFact() {}

// Stops is the fact that a function blocks the goroutine that calls it.
type Stops struct{ By string }

// AFact makes it a fact.
func (*Stops) AFact() {}

// Hands is the fact where a function runs the functions that it is given.
type Hands struct{ Where []uint8 } // places, by parameter

// AFact makes it a fact.
func (*Hands) AFact() {}

// unit is a function declaration or literal. Literals that run within the function around them
// (that are called at once, or deferred) belong to its unit.
type unit struct {
	node  ast.Node
	typ   *ast.FuncType
	sig   *types.Signature
	obj   types.Object // the function, or the variable that never holds another one
	calls []inspector.Cursor
	kind  kind
	place place
	stops string // a call that blocks, for those that import the function
	asks  bool   // it finds out on which goroutine it runs
}

// runsOnLoop reports whether the unit certainly runs on a loop.
func (u *unit) runsOnLoop() bool {
	if u.asks || u.place == offLoop {
		return false
	}
	return u.place == inTask || u.place == inCallback || u.kind == awaits
}

// program is what is known of a package.
type program struct {
	pass  *analysis.Pass
	root  inspector.Cursor
	all   []*unit
	of    map[ast.Node]*unit // by declaration or literal; inline literals have the unit around them
	named map[types.Object]*unit

	params map[types.Object]*param // those that are functions

	once   sync.Once // fills values; analyzers run at the same time
	values map[types.Object][]ast.Expr
}

// param is a parameter that is a function.
type param struct {
	of    *unit
	uses  []inspector.Cursor
	where place
}

func findUnits(pass *analysis.Pass) (any, error) {
	p := &program{
		pass: pass, root: pass.ResultOf[inspect.Analyzer].(*inspector.Inspector).Root(),
		of: map[ast.Node]*unit{}, named: map[types.Object]*unit{},
		params: map[types.Object]*param{},
	}
	if ofStandardLibrary(pass.Pkg.Path()) {
		return p, nil
	}
	for c := range p.root.Preorder((*ast.FuncDecl)(nil), (*ast.FuncLit)(nil)) {
		p.addUnit(c)
	}
	p.forgetReassigned()
	for c := range p.root.Preorder((*ast.CallExpr)(nil)) {
		p.addCall(c)
	}
	p.findParams()
	for again := true; again; {
		again = false
		for _, u := range p.all {
			again = p.learn(u) || again
		}
		for _, f := range p.params {
			again = p.learnParam(f) || again
		}
	}
	for c := range p.root.Preorder((*ast.FuncLit)(nil), (*ast.Ident)(nil),
		(*ast.SelectorExpr)(nil)) {
		p.follow(c)
	}
	p.export()
	return p, nil
}

// ofStandardLibrary reports whether a package is one of Go's: what blocks there is in a table.
func ofStandardLibrary(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	switch first {
	case "archive",
		"bufio",
		"bytes",
		"cmp",
		"compress",
		"container",
		"context",
		"crypto",
		"database",
		"debug",
		"embed",
		"encoding",
		"errors",
		"expvar",
		"flag",
		"fmt",
		"go",
		"hash",
		"html",
		"image",
		"index",
		"internal",
		"io",
		"iter",
		"log",
		"maps",
		"math",
		"mime",
		"net",
		"os",
		"path",
		"plugin",
		"reflect",
		"regexp",
		"runtime",
		"slices",
		"sort",
		"strconv",
		"strings",
		"structs",
		"sync",
		"syscall",
		"testing",
		"text",
		"time",
		"unicode",
		"unique",
		"unsafe",
		"vendor",
		"weak":
		return true
	}
	return false
}

func (p *program) addUnit(c inspector.Cursor) {
	u := &unit{node: c.Node()}
	switch n := c.Node().(type) {
	case *ast.FuncDecl:
		u.typ, u.obj = n.Type, p.pass.TypesInfo.Defs[n.Name]
		if fn, ok := u.obj.(*types.Func); ok {
			u.sig = fn.Signature()
		}
	case *ast.FuncLit:
		if p.isInline(c) {
			if around := p.around(c.Parent()); around != nil {
				p.of[n] = around
				return
			}
		}
		u.typ = n.Type
		u.sig, _ = p.pass.TypesInfo.TypeOf(n).(*types.Signature)
		u.obj = p.variableOf(c)
	}
	if u.sig == nil {
		return
	}
	p.all = append(p.all, u)
	p.of[u.node] = u
	if u.obj != nil {
		p.named[u.obj] = u
	}
}

// isInline reports whether a literal runs within the function around it.
func (p *program) isInline(c inspector.Cursor) bool {
	c = unparen(c)
	call, ok := c.Parent().Node().(*ast.CallExpr)
	if !ok {
		return false
	}
	if k, i := c.ParentEdge(); k == edge.CallExpr_Args {
		fn := typeutil.StaticCallee(p.pass.TypesInfo, call)
		return fn != nil && isInlineArgument(fn.Origin(), i)
	}
	_, isGo := c.Parent().Parent().Node().(*ast.GoStmt)
	return !isGo
}

func isInlineArgument(fn *types.Func, i int) bool {
	where, _ := inTable(fn, i)
	return where == inline
}

// unparen climbs out of parentheses and conversions to a type.
func unparen(c inspector.Cursor) inspector.Cursor {
	for {
		if _, ok := c.Parent().Node().(*ast.ParenExpr); !ok {
			return c
		}
		c = c.Parent()
	}
}

// variableOf returns the variable that a literal initialises, or nil.
func (p *program) variableOf(c inspector.Cursor) types.Object {
	c = unparen(c)
	var name ast.Expr
	switch k, i := c.ParentEdge(); k {
	case edge.AssignStmt_Rhs:
		if s := c.Parent().Node().(*ast.AssignStmt); len(s.Lhs) == len(s.Rhs) {
			name = s.Lhs[i]
		}
	case edge.ValueSpec_Values:
		if s := c.Parent().Node().(*ast.ValueSpec); len(s.Names) == len(s.Values) {
			name = s.Names[i]
		}
	}
	if id, ok := name.(*ast.Ident); ok {
		if v, ok := p.pass.TypesInfo.ObjectOf(id).(*types.Var); ok && !v.IsField() {
			return v
		}
	}
	return nil
}

// forgetReassigned drops the variables that may hold another function.
func (p *program) forgetReassigned() {
	assigned := map[types.Object]int{}
	count := func(e ast.Expr) {
		if id, ok := e.(*ast.Ident); ok {
			if o := p.pass.TypesInfo.ObjectOf(id); o != nil {
				assigned[o]++
			}
		}
	}
	for c := range p.root.Preorder((*ast.AssignStmt)(nil), (*ast.ValueSpec)(nil),
		(*ast.UnaryExpr)(nil)) {
		switch n := c.Node().(type) {
		case *ast.AssignStmt:
			for _, e := range n.Lhs {
				count(e)
			}
		case *ast.ValueSpec:
			if len(n.Values) > 0 {
				for _, e := range n.Names {
					count(e)
				}
			}
		case *ast.UnaryExpr:
			if n.Op.String() == "&" { // who knows
				count(n.X)
				count(n.X)
			}
		}
	}
	for o := range p.named {
		if _, isVar := o.(*types.Var); isVar && assigned[o] > 1 {
			delete(p.named, o)
		}
	}
}

// around returns the unit that c stands in, or nil at the level of the package.
func (p *program) around(c inspector.Cursor) *unit {
	for f := range c.Enclosing((*ast.FuncDecl)(nil), (*ast.FuncLit)(nil)) {
		return p.of[f.Node()]
	}
	return nil
}

// addCall notes a call for the unit that makes it.
func (p *program) addCall(c inspector.Cursor) {
	if _, isGo := c.Parent().Node().(*ast.GoStmt); isGo {
		return
	}
	if u := p.around(c); u != nil {
		u.calls = append(u.calls, c)
		if fn := p.callee(c.Node().(*ast.CallExpr)); fn != nil && fn.Pkg() != nil &&
			fn.Pkg().Path() == root && asksWho[shortName(fn)] {
			u.asks = true
		}
	}
}

func (p *program) callee(call *ast.CallExpr) *types.Func {
	if fn, ok := typeutil.Callee(p.pass.TypesInfo, call).(*types.Func); ok {
		return fn.Origin()
	}
	return nil
}

// target returns what a call or an expression calls: a function or a variable.
func (p *program) target(fun ast.Expr) types.Object {
	switch f := ast.Unparen(fun).(type) {
	case *ast.IndexExpr:
		return p.target(f.X)
	case *ast.IndexListExpr:
		return p.target(f.X)
	case *ast.Ident:
		return origin(p.pass.TypesInfo.Uses[f])
	case *ast.SelectorExpr:
		return origin(p.pass.TypesInfo.Uses[f.Sel])
	}
	return nil
}

func origin(o types.Object) types.Object {
	if fn, ok := o.(*types.Func); ok {
		return fn.Origin()
	}
	return o
}

func body(n ast.Node) *ast.BlockStmt {
	switch n := n.(type) {
	case *ast.FuncDecl:
		if n.Body != nil {
			return n.Body
		}
	case *ast.FuncLit:
		return n.Body
	}
	return &ast.BlockStmt{}
}

// follow notes where a function runs that is handed to another one.
func (p *program) follow(c inspector.Cursor) {
	var u *unit
	switch n := c.Node().(type) {
	case *ast.FuncLit:
		u = p.of[n]
		if u == nil || u.node != n {
			return // inline
		}
	case *ast.Ident:
		if e, _ := c.ParentEdge(); e == edge.SelectorExpr_Sel {
			return // the selector is looked at
		}
		u = p.named[origin(p.pass.TypesInfo.Uses[n])]
	case *ast.SelectorExpr:
		u = p.named[origin(p.pass.TypesInfo.Uses[n.Sel])]
	}
	if u == nil {
		return
	}
	where := p.handedTo(c)
	_, isLit := c.Node().(*ast.FuncLit)
	switch {
	case where == offLoop && !isLit && u.kind == awaits: // the call there is the mistake
	case where == offLoop || where != unknown && u.place == unknown:
		u.place = where
	}
}

// handedTo says where the function expression at c runs, if it is an argument of a call, or the
// function of a go statement.
func (p *program) handedTo(c inspector.Cursor) place {
	c = unparen(c)
	call, ok := c.Parent().Node().(*ast.CallExpr)
	if !ok {
		if e, _ := c.ParentEdge(); e == edge.IndexExpr_X {
			return p.handedTo(c.Parent())
		}
		return unknown
	}
	e, i := c.ParentEdge()
	if e == edge.CallExpr_Fun {
		if p.pass.TypesInfo.Types[call.Fun].IsType() {
			return p.handedTo(c.Parent())
		}
		if _, isGo := c.Parent().Parent().Node().(*ast.GoStmt); isGo {
			return offLoop
		}
		return unknown
	}
	if tv := p.pass.TypesInfo.Types[call.Fun]; tv.IsType() { // aio.Func[T](fn)
		return p.handedTo(c.Parent())
	}
	fn := p.callee(call)
	if fn == nil {
		return unknown
	}
	where := p.whereItRuns(fn, i)
	if where == wrapping {
		return p.handedTo(c.Parent())
	}
	return where
}
