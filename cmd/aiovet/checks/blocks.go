package checks

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ast/edge"
	"golang.org/x/tools/go/ast/inspector"
)

// Blocks reports what stops the whole loop.
var Blocks = &analysis.Analyzer{
	Name: "blocks",
	Doc: `report calls and channel operations that block, in functions that run on a loop

Reported are time.Sleep, channel operations and select without a default, WaitGroup.Wait,
Cond.Wait, files, commands, net, net/http and database/sql, and functions of the module that call
one of these. A function runs on a loop if it awaits, or is given to aio as the function of a
task, a block or a callback. A sync.Mutex may be locked in a task, if it is not held during an
await (see mutexawait). Sends to channels that have a buffer, what a select with a default does,
and files in a defer statement do not count. Files of tests are left out unless -blocks.tests says
otherwise.`,
	Run:      checkBlocks,
	Requires: []*analysis.Analyzer{units, Ignore},
}

// stoppers has what blocks, by "path.Name" or "path.Type.Name", and what to use instead.
var stoppers = map[string]string{}

func init() {
	for use, names := range map[string]string{
		"aio.Sleep": `
			time.Sleep`,
		"an aio.Group, or aio.Blocking": `
			sync.WaitGroup.Wait golang.org/x/sync/errgroup.Group.Wait`,
		"an aiosync.Condition": `
			sync.Cond.Wait`,
		"package subprocess": `
			os/exec.Cmd.Run os/exec.Cmd.Output os/exec.Cmd.CombinedOutput os/exec.Cmd.Wait
			os.Process.Wait`,
		"package stream": `
			net.Dial net.DialTimeout net.DialTCP net.DialUDP net.DialUnix net.DialIP net.Dialer.Dial
			net.Dialer.DialContext crypto/tls.Dial crypto/tls.DialWithDialer
			crypto/tls.Dialer.DialContext net.Listener.Accept net.TCPListener.Accept net.TCPListener.AcceptTCP
			net.UnixListener.Accept net.UnixListener.AcceptUnix net.TCPConn.Read net.TCPConn.Write
			net.UnixConn.Read net.UnixConn.Write net.UDPConn.Read net.UDPConn.ReadFrom
			net.UDPConn.ReadFromUDP`,
		"aio.ToThread": `
			net.LookupHost net.LookupIP net.LookupAddr net.LookupCNAME net.LookupMX net.LookupNS
			net.LookupTXT net.LookupSRV net.Resolver.LookupHost net.Resolver.LookupIP
			net.Resolver.LookupIPAddr net.Resolver.LookupNetIP net.Resolver.LookupAddr
			net.Resolver.LookupCNAME net.Resolver.LookupMX net.Resolver.LookupTXT net.Resolver.LookupSRV
			net.ResolveTCPAddr net.ResolveUDPAddr net.ResolveIPAddr`,
		"an aiohttp.Client": `
			net/http.Get net/http.Head net/http.Post net/http.PostForm`,
		"aiohttp.Serve": `
			net/http.ListenAndServe net/http.ListenAndServeTLS net/http.Serve net/http.ServeTLS
			net/http.Server.ListenAndServe net/http.Server.ListenAndServeTLS net/http.Server.Serve
			net/http.Server.ServeTLS net/http.Server.Shutdown`,
		"package aiofile, or aio.ToThread": `
			os.ReadFile os.WriteFile os.ReadDir os.RemoveAll os.CopyFS os.File.Read os.File.ReadAt
			os.File.ReadFrom os.File.Sync os.File.ReadDir path/filepath.Walk path/filepath.WalkDir
			path/filepath.Glob io/ioutil.ReadFile io/ioutil.WriteFile io/ioutil.ReadDir`,
		"stream.ReadPipe on os.Stdin, or aio.ToThread": `
			fmt.Scan fmt.Scanln fmt.Scanf`,
		"package aiosql": `
			database/sql.DB.Exec database/sql.DB.ExecContext database/sql.DB.Query
			database/sql.DB.QueryContext database/sql.DB.QueryRow database/sql.DB.QueryRowContext
			database/sql.DB.Ping database/sql.DB.PingContext database/sql.DB.Begin
			database/sql.DB.BeginTx database/sql.DB.Prepare database/sql.DB.PrepareContext
			database/sql.DB.Conn database/sql.Tx.Exec database/sql.Tx.ExecContext database/sql.Tx.Query
			database/sql.Tx.QueryContext database/sql.Tx.QueryRow database/sql.Tx.QueryRowContext
			database/sql.Tx.Commit database/sql.Tx.Rollback database/sql.Stmt.Exec
			database/sql.Stmt.ExecContext database/sql.Stmt.Query database/sql.Stmt.QueryContext
			database/sql.Stmt.QueryRow database/sql.Stmt.QueryRowContext`,
	} {
		for name := range strings.FieldsSeq(names) {
			stoppers[name] = use
		}
	}
}

// spreads reports whether a function that calls this one counts as one that blocks, too. Waiting
// for goroutines and small files is often known to be short there.
func spreads(name string) bool {
	use := stoppers[name]
	return use != "" && !strings.HasPrefix(name, "sync.") &&
		!strings.HasPrefix(use, "package aiofile")
}

// stopsBy returns the call by which a unit blocks those who call it, or "".
func (p *program) stopsBy(u *unit) string {
	if u.place == offLoop {
		return ""
	}
	for _, c := range u.calls {
		fn := p.callee(c.Node().(*ast.CallExpr))
		if fn == nil {
			continue
		}
		if spreads(nameOf(fn)) {
			return display(fn)
		}
		if by := p.stopsOf(fn); by != "" {
			return by
		}
	}
	return ""
}

func checkBlocks(pass *analysis.Pass) (any, error) {
	p := pass.ResultOf[units].(*program)
	buffered := p.bufferedChannels()
	for _, u := range p.all {
		if !u.runsOnLoop() || leftOut(pass, u.node.Pos()) {
			continue
		}
		for _, c := range u.calls {
			p.checkBlockingCall(pass, u, c)
		}
		p.checkChannels(pass, u, buffered)
	}
	return nil, nil
}

func (p *program) checkBlockingCall(pass *analysis.Pass, u *unit, c inspector.Cursor) {
	call := c.Node().(*ast.CallExpr)
	fn := p.callee(call)
	if fn == nil {
		return
	}
	name := nameOf(fn)
	if use := stoppers[name]; use != "" {
		_, isDefer := c.Parent().Node().(*ast.DeferStmt)
		if isDefer && strings.HasPrefix(use, "package aiofile") {
			return
		}
		d := analysis.Diagnostic{
			Pos:     call.Pos(),
			Message: display(fn) + " blocks the loop; use " + use,
		}
		if name == "time.Sleep" {
			d.SuggestedFixes = p.sleepFix(u, c)
		}
		report(pass, d)
		return
	}
	sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	if ok && clientMethods[name] && p.isPlainClient(sel.X) {
		report(pass, analysis.Diagnostic{
			Pos: call.Pos(), Message: "an http.Client blocks the loop; use an aiohttp.Client"})
		return
	}
	if by := p.stopsOf(fn); by != "" {
		report(pass, analysis.Diagnostic{Pos: call.Pos(), Message: fmt.Sprintf(
			"%s blocks the loop, since it calls %s; use aio.ToThread", display(fn), by)})
	}
}

// stopsOf returns the call by which fn blocks those who call it, or "".
func (p *program) stopsOf(fn *types.Func) string {
	if u := p.named[fn]; u != nil {
		return u.stops
	}
	var fact Stops
	if fn.Pkg() != p.pass.Pkg && p.pass.ImportObjectFact(fn, &fact) {
		return fact.By
	}
	return ""
}

var clientMethods = map[string]bool{
	"net/http.Client.Do": true, "net/http.Client.Get": true, "net/http.Client.Head": true,
	"net/http.Client.Post": true, "net/http.Client.PostForm": true,
}

// isPlainClient reports whether e is a client with net/http's own transport: http.DefaultClient, or
// a variable that holds a literal without a Transport. Another transport may await.
func (p *program) isPlainClient(e ast.Expr) bool {
	switch e := ast.Unparen(e).(type) {
	case *ast.SelectorExpr:
		o := p.pass.TypesInfo.Uses[e.Sel]
		return o != nil && o.Pkg() != nil && o.Pkg().Path() == "net/http" &&
			o.Name() == "DefaultClient"
	case *ast.UnaryExpr:
		return p.isPlainClient(e.X)
	case *ast.CompositeLit:
		for _, elt := range e.Elts {
			if kv, ok := elt.(*ast.KeyValueExpr); ok && types.ExprString(kv.Key) == "Transport" {
				return false
			}
		}
		return !p.setsTransport()
	case *ast.Ident:
		values := p.valuesOf(p.pass.TypesInfo.Uses[e])
		for _, v := range values { // of an identifier nothing is known
			if _, isIdent := v.(*ast.Ident); isIdent || !p.isPlainClient(v) {
				return false
			}
		}
		return len(values) > 0
	}
	return false
}

// setsTransport reports whether some client of the package gets its transport later.
func (p *program) setsTransport() bool {
	for c := range p.root.Preorder((*ast.AssignStmt)(nil)) {
		for _, l := range c.Node().(*ast.AssignStmt).Lhs {
			if sel, ok := l.(*ast.SelectorExpr); ok && sel.Sel.Name == "Transport" {
				return true
			}
		}
	}
	return false
}

// checkChannels reports the channel operations of u that may block.
func (p *program) checkChannels(pass *analysis.Pass, u *unit, buffered map[types.Object]bool) {
	complain := func(at token.Pos, what, use string) {
		report(pass, analysis.Diagnostic{Pos: at, Message: what + " blocks the loop; use " + use})
	}
	top, _ := p.root.FindNode(u.node)
	operations := top.Preorder(
		(*ast.UnaryExpr)(nil), (*ast.SendStmt)(nil), (*ast.SelectStmt)(nil), (*ast.RangeStmt)(nil))
	for c := range operations {
		if p.around(c) != u {
			continue
		}
		switch n := c.Node().(type) {
		case *ast.UnaryExpr:
			switch {
			case n.Op != token.ARROW || inSelect(c):
			case p.isCall(n.X, "time.After"):
				complain(n.Pos(), "a wait for time.After", "aio.Sleep")
			default:
				complain(n.Pos(), "a receive from a channel", "aio.Recv")
			}
		case *ast.SendStmt:
			if !inSelect(c) && !buffered[p.target(n.Chan)] {
				complain(n.Pos(), "a send to a channel", "aio.Send")
			}
		case *ast.SelectStmt:
			if !hasDefault(n) {
				complain(n.Pos(), "select", "aio.Select")
			}
		case *ast.RangeStmt:
			if t := pass.TypesInfo.TypeOf(n.X); t != nil {
				if _, isChan := types.Unalias(t).Underlying().(*types.Chan); isChan {
					complain(n.Pos(), "range over a channel", "aio.Recv")
				}
			}
		}
	}
}

// inSelect reports whether a channel operation is the communication of a select's case.
func inSelect(c inspector.Cursor) bool {
	around := c.Enclosing((*ast.ExprStmt)(nil), (*ast.AssignStmt)(nil), (*ast.SendStmt)(nil),
		(*ast.FuncLit)(nil), (*ast.BlockStmt)(nil))
	for c := range around {
		if e, _ := c.ParentEdge(); e == edge.CommClause_Comm {
			return true
		}
		switch c.Node().(type) {
		case *ast.FuncLit, *ast.BlockStmt:
			return false
		}
	}
	return false
}

func hasDefault(s *ast.SelectStmt) bool {
	for _, clause := range s.Body.List {
		if clause.(*ast.CommClause).Comm == nil {
			return true
		}
	}
	return false
}

func (p *program) isCall(e ast.Expr, name string) bool {
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok {
		return false
	}
	fn := p.callee(call)
	return fn != nil && nameOf(fn) == name
}

// bufferedChannels returns the channels of the package that have room for what is sent. One that is
// received from by those who send to it counts what is under way: sending to it waits for a place.
func (p *program) bufferedChannels() map[types.Object]bool {
	buffered := map[types.Object]bool{}
	for c := range p.root.Preorder((*ast.CallExpr)(nil)) {
		call := c.Node().(*ast.CallExpr)
		if id, ok := call.Fun.(*ast.Ident); !ok || id.Name != "make" || len(call.Args) != 2 {
			continue
		}
		if _, isChan := p.pass.TypesInfo.TypeOf(call).Underlying().(*types.Chan); !isChan {
			continue
		}
		if v := p.pass.TypesInfo.Types[call.Args[1]].Value; v != nil && v.String() == "0" {
			continue
		}
		if o := p.assigned(c); o != nil {
			buffered[o] = true
		}
	}
	sends := map[*unit]map[types.Object]bool{}
	for c := range p.root.Preorder((*ast.SendStmt)(nil)) {
		if u := p.around(c); u != nil {
			if sends[u] == nil {
				sends[u] = map[types.Object]bool{}
			}
			sends[u][p.target(c.Node().(*ast.SendStmt).Chan)] = true
		}
	}
	for c := range p.root.Preorder((*ast.UnaryExpr)(nil)) {
		if n := c.Node().(*ast.UnaryExpr); n.Op == token.ARROW {
			if o := p.target(n.X); o != nil && sends[p.around(c)][o] {
				delete(buffered, o)
			}
		}
	}
	return buffered
}

// assigned returns the variable or field that gets the value at c, or nil.
func (p *program) assigned(c inspector.Cursor) types.Object {
	c = unparen(c)
	switch e, i := c.ParentEdge(); e {
	case edge.AssignStmt_Rhs:
		if s := c.Parent().Node().(*ast.AssignStmt); len(s.Lhs) == len(s.Rhs) {
			switch l := s.Lhs[i].(type) {
			case *ast.Ident:
				return p.pass.TypesInfo.ObjectOf(l)
			case *ast.SelectorExpr:
				return p.pass.TypesInfo.Uses[l.Sel]
			}
		}
	case edge.ValueSpec_Values:
		if s := c.Parent().Node().(*ast.ValueSpec); len(s.Names) == len(s.Values) {
			return p.pass.TypesInfo.ObjectOf(s.Names[i])
		}
	case edge.KeyValueExpr_Value:
		if id, ok := c.Parent().Node().(*ast.KeyValueExpr).Key.(*ast.Ident); ok {
			return p.pass.TypesInfo.Uses[id]
		}
	}
	return nil
}
