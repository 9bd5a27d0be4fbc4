package aio

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"time"
)

// scope is the context that aio hands out: one for each task, each block in it (Timeout, Group) and
// each context made from it (WithTimeout and its kin).
//
// Its methods of context.Context (Deadline, Done, Err, Value) work on any goroutine, even after the
// scope has ended. Everything else belongs to the loop.
//
// Cancellation is one-way: cancelled is set once. The standard library sees it through node, a
// standard context that the first call of Done creates. Contexts derived from a scope hang below
// that node, so they need no goroutine, and context.Cause finds the right answer.
type scope struct {
	values    context.Context // answers Value; for a child task it skips its creator's scope
	task      *taskCore       // whose context this is
	node      atomic.Pointer[stdNode]
	cancelled atomic.Pointer[cancellation]
	facts     atomic.Pointer[scopeFacts] // nil: none
	more      *scopeMore                 // blocks and contexts have it; a task makes it when needed
}

// scopeFacts can be read on any goroutine. It never changes: the loop replaces it.
type scopeFacts struct {
	limit time.Time // what Deadline answers; zero: none
	name  string    // of the task, in its own scope; "": the default
	item  *itemName // takes the place of name; may be nil
}

// itemName is the name of a task that works on one of several items or functions: "Map[3]". The
// index may change while others read it.
type itemName struct {
	facts scopeFacts // that refer to it
	op    string
	index atomic.Int64
}

// newItemNames returns the names of n tasks, which have the indexes from first on.
func newItemNames(op string, first, n int) []itemName {
	names := make([]itemName, n)
	for i := range names {
		names[i].op = op
		names[i].index.Store(int64(first + i))
		names[i].facts.item = &names[i]
	}
	return names
}

func (n *itemName) String() string {
	return n.op + "[" + strconv.FormatInt(n.index.Load(), 10) + "]"
}

func (n *itemName) taskOption(t *taskCore) { t.scope.facts.Store(&n.facts) }

// limit is what Deadline answers, the zero time for none.
func (s *scope) limit() time.Time {
	if f := s.facts.Load(); f != nil {
		return f.limit
	}
	return time.Time{}
}

func (s *scope) setLimit(at time.Time) {
	facts := scopeFacts{limit: at}
	if f := s.facts.Load(); f != nil {
		facts.name, facts.item = f.name, f.item
	}
	if m := s.more; m != nil && m.first.limit.IsZero() && !at.IsZero() { // nobody has seen it yet
		m.first = facts
		s.facts.Store(&m.first)
		return
	}
	others := facts
	s.facts.Store(&others)
}

func (s *scope) name() string {
	f := s.facts.Load()
	switch {
	case f == nil:
		return ""
	case f.item != nil:
		return f.item.String()
	}
	return f.name
}

func (s *scope) setName(name string) { s.facts.Store(&scopeFacts{limit: s.limit(), name: name}) }

// scopeMore belongs to the loop.
type scopeMore struct {
	outers [2]*scope      // the scopes this one is cancelled with
	kids   []*scope       // the scopes cancelled with this one, in creation order
	waits  []*wait        // waits under this scope by tasks that it is not an open block of
	link   foreignContext // where a context made outside of aio ends this scope as well

	ctx      context.Context // the context it was made from
	op       string          // what the block or context is, for messages
	pc       uintptr
	deadline time.Time
	after    time.Duration
	timer    timer
	kind     scopeKind
	stale    int32 // ready entries of deadlines that were moved meanwhile
	cut      *cutOff
	expired  bool   // the deadline has passed while the block was open
	fired    bool   // it has cancelled the scope
	left     bool   // the block has ended, or the context's cancel function was called
	outside  bool   // ctx can end in a way that only the standard library sees
	free     bool   // made from a freed context: the blocks around do not cancel it
	around   *scope // the block that was innermost when this one was opened
	self     *scope
	first    scopeFacts // memory of the first facts with a limit
}

// blockScope is the scope of a block or a context, in one piece of memory.
type blockScope struct {
	scope scope
	more  scopeMore
}

// scopeKind tells blocks from contexts. A block turns its own cancellation into an error when it
// ends. A context has no such end.
type scopeKind uint8

const (
	contextScope scopeKind = iota
	timeoutScope
	groupScope
)

// cancellation is one request, on its way to the scopes that it reaches.
type cancellation struct {
	CancelledError
	final   bool          // a deadlock: no waitable follows it in place of the tasks
	timeout *TimeoutError // of a context with a deadline: what awaits return instead
	given   error         // to a cancel function: what context.Cause returns instead
	when    int64         // on the loop's clock
}

// awaitError returns the error of an await that c ends.
func (c *cancellation) awaitError() error {
	if c.timeout != nil {
		return c.timeout
	}
	return &c.CancelledError
}

// cause returns the result of context.Cause: the error given to a cancel function, as in the
// standard library, or else the error of awaits.
func (c *cancellation) cause() error {
	if c.given != nil {
		return c.given
	}
	return c.awaitError()
}

// errBlockEnded is the cause of a block's context after the block has ended.
var errBlockEnded = errors.New("aio: the block that this context belongs to has ended")

// through returns the request as it arrives after a block or a wait.
func (c *cancellation) through(op string, pc uintptr) *cancellation {
	next := *c
	next.via = &hop{op, pc, c.via}
	return &next
}

type stdNode struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
}

// ownerKey finds the nearest scope, or the ambient context of a loop, above a derived context.
var ownerKey = new(byte)

// cancelCtxKey is the key with which package context finds the context whose cancellation governs
// another. A scope must answer it with its own node and not pass the question to the values above
// it. The key is not exported, but package context asks custom contexts with it.
var cancelCtxKey = func() any {
	spy := &keySpy{Context: context.Background()}
	context.Cause(spy)
	return spy.key
}()

// Deadline implements context.Context.
func (s *scope) Deadline() (time.Time, bool) {
	at := s.limit()
	return at, !at.IsZero()
}

// Done implements context.Context. The first call makes the node.
func (s *scope) Done() <-chan struct{} { return s.std().ctx.Done() }

// Err implements context.Context: nil, context.Canceled or context.DeadlineExceeded.
func (s *scope) Err() error {
	if c := s.cancelled.Load(); c != nil {
		if c.timeout != nil {
			return context.DeadlineExceeded
		}
		return context.Canceled
	}
	if n := s.node.Load(); n != nil {
		return n.ctx.Err()
	}
	return nil
}

// Value implements context.Context.
func (s *scope) Value(key any) any {
	switch {
	case key == any(ownerKey):
		return s
	case key == cancelCtxKey:
		if s.node.Load() == nil && s.cancelled.Load() == nil {
			return nil
		}
		return s.std().ctx.Value(key)
	}
	return s.values.Value(key)
}

// String works on any goroutine, because contexts are printed anywhere.
func (s *scope) String() string { return "aio context of " + s.task.shownName() }

func (s *scope) std() *stdNode {
	if n := s.node.Load(); n != nil {
		return n
	}
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(s.values))
	n := &stdNode{ctx, cancel}
	if !s.node.CompareAndSwap(nil, n) {
		cancel(nil)
		return s.node.Load()
	}
	if c := s.cancelled.Load(); c != nil { // cancel may have missed the node
		n.cancel(c.cause())
	}
	return n
}

func (s *scope) extra() *scopeMore {
	if s.more == nil {
		s.more = &scopeMore{}
	}
	return s.more
}

// adopt makes kid end when s is cancelled.
func (s *scope) adopt(kid *scope) {
	if kid.more.outers[0] == nil {
		kid.more.outers[0] = s
	} else {
		kid.more.outers[1] = s
	}
	m := s.extra()
	m.kids = append(m.kids, kid)
	if c := s.cancelled.Load(); c != nil {
		kid.cancel(c.through(kid.more.op, kid.more.pc))
	}
}

// disown undoes adopt.
func (s *scope) disown(kid *scope) {
	kids := s.more.kids
	for i := len(kids) - 1; i >= 0; i-- {
		if kids[i] == kid {
			copy(kids[i:], kids[i+1:])
			kids[len(kids)-1] = nil
			s.more.kids = kids[:len(kids)-1]
			return
		}
	}
}

// subscribe makes the wait p end when s is cancelled.
func (s *scope) subscribe(p *wait) {
	m := s.extra()
	m.waits = append(m.waits, p)
	p.extra().scope = s
}

func (s *scope) unsubscribe(p *wait) {
	p.more.scope = nil
	waits := s.more.waits
	for i, x := range waits {
		if x == p {
			copy(waits[i:], waits[i+1:])
			waits[len(waits)-1] = nil
			s.more.waits = waits[:len(waits)-1]
			return
		}
	}
}

// newScope returns a scope below ctx, for the task on w. It is cancelled when ctx is, and when the
// task's innermost open block is, unless ctx was freed from that block with context.WithoutCancel.
func newScope(w *worker, ctx context.Context, op string, pc uintptr) *scope {
	all := &blockScope{more: scopeMore{ctx: ctx, op: op, pc: pc}}
	s := &all.scope
	s.values, s.task = ctx, w.task
	s.more, all.more.self = &all.more, s
	if own, ok := ctx.(*scope); ok {
		s.values = own.values
	}
	if at, ok := ctx.Deadline(); ok {
		s.setLimit(at)
	}
	g := w.governors(ctx)
	if g.check && freed(ctx) {
		g.block = nil
	}
	s.more.free = g.block == nil
	if s.more.outside = g.outside; g.outside {
		node, cancel := context.WithCancelCause(ctx)
		s.node.Store(&stdNode{node, cancel})
		s.more.link.follow(w.task.loop, ctx, s.more)
	}
	if g.block != nil {
		g.block.adopt(s)
	}
	if g.other != nil {
		g.other.adopt(s)
	}
	return s
}

// setDeadline sets the scope's timer and replaces an earlier deadline. A deadline in the past takes
// effect in the next pass. The zero time means no deadline.
func (s *scope) setDeadline(at time.Time) {
	l, m := s.task.loop, s.more
	if !m.deadline.IsZero() && !m.timer.armed() && !m.expired {
		m.stale++ // it is in the ready queue
		l.doubt()
	}
	l.timers.stop(&m.timer)
	m.deadline = at
	m.timer.due = m
	switch outer, ok := m.ctx.Deadline(); {
	case ok && (at.IsZero() || outer.Before(at)):
		s.setLimit(outer)
	case at.IsZero():
		s.facts.Store(nil)
	default:
		s.setLimit(at)
	}
	if at.IsZero() {
		return
	}
	if d := at.Sub(l.Time()); d > 0 {
		l.timers.start(&m.timer, l.clock.nanos(at))
	} else {
		l.ready.Push(m)
	}
}

// run is the deadline's turn in the ready queue.
func (m *scopeMore) run() {
	if m.stale > 0 {
		m.stale--
		return // it was moved or removed after it had come into the queue
	}
	if m.left {
		return
	}
	m.expire()
}

// expire is called when the deadline has passed.
func (m *scopeMore) expire() {
	s := m.self
	m.expired = true
	if s.cancelled.Load() != nil {
		return // it is being interrupted already
	}
	m.fired = true
	te := &TimeoutError{After: m.after, op: m.op, pc: m.pc}
	c := &cancellation{CancelledError: CancelledError{Cause: te, by: m.op, pc: m.pc}}
	if m.kind == contextScope {
		c.timeout = te
		s.release()
	}
	s.cancel(c)
}

// expireNow is expire for a deadline in the ready queue, without waiting for its turn.
func (m *scopeMore) expireNow() {
	m.stale++
	m.self.task.loop.doubt()
	m.expire()
}

// release detaches the scope from everything that could cancel it.
func (s *scope) release() {
	m := s.more
	if !m.left && !m.deadline.IsZero() && !m.timer.armed() && !m.expired {
		s.task.loop.doubt() // its deadline is in the ready queue
	}
	m.left = true
	s.task.loop.timers.stop(&m.timer)
	m.link.leave(s.task.loop)
	for i, outer := range m.outers {
		if outer != nil {
			outer.disown(s)
			m.outers[i] = nil
		}
	}
}

// outerRequest returns the request that has reached an outer scope or context of s since s itself
// ended, or nil.
func (s *scope) outerRequest() *cancellation {
	m := s.more
	for _, outer := range m.outers {
		if outer == nil {
			continue
		}
		if c := outer.cancelled.Load(); c != nil {
			return c.through(m.op, m.pc)
		}
	}
	if m.outside && m.ctx.Err() != nil {
		return cancellationOf(m.ctx).through(m.op, m.pc)
	}
	return nil
}

// cancellationOf describes the end of a context that is not a scope.
func cancellationOf(ctx context.Context) *cancellation {
	cause := context.Cause(ctx)
	if ctx.Err() == context.DeadlineExceeded {
		te, ok := cause.(*TimeoutError)
		if !ok {
			te = &TimeoutError{op: "a context with a deadline", Err: cause}
		}
		return &cancellation{CancelledError: CancelledError{Cause: te}, timeout: te}
	}
	switch c := cause.(type) {
	case *CancelledError:
		return &cancellation{CancelledError: *c}
	case *TimeoutError:
		return &cancellation{CancelledError: CancelledError{Cause: c}, timeout: c}
	}
	if cause == context.Canceled {
		cause = nil
	}
	return &cancellation{CancelledError: CancelledError{Cause: cause, by: "a context"}}
}
