package executor

import (
	"context"
	"maps"
	"slices"
	"sync/atomic"

	"github.com/aio-go/aio"
)

// object is a shared object in the parent. Loop only.
type object interface {
	// do performs an operation. If the caller holds something from then on, back ends that: it is
	// done with, or goes back.
	do(ctx context.Context, o op, data []byte) (reply []byte, back func(done bool), err error)
	// end makes all that wait, now and later, fail with ErrClosed.
	end()
}

// space has the shared objects of an executor. Loop only, except for link.
type space struct {
	loop    *aio.Loop
	max     int // bytes of a message
	objects map[string]object
	own     *account // of the parent itself
	ended   bool
}

func newSpace(l *aio.Loop, max int) *space {
	s := &space{loop: l, max: max, objects: map[string]object{}}
	s.own = newAccount(l, s, nil)
	s.own.own = true
	return s
}

// link returns the parent's way to the objects. Any goroutine.
func (s *space) link() link { return s.own.link() }

// find returns the object of a name, and makes it if it is used for the first time.
func (s *space) find(name string) (object, error) {
	if s.ended {
		return nil, ErrClosed
	}
	if o := s.objects[name]; o != nil {
		return o, nil
	}
	makers.mu.RLock()
	make := makers.m[name]
	makers.mu.RUnlock()
	if make == nil {
		return nil, errFrame
	}
	o := make()
	s.objects[name] = o
	return o, nil
}

// end makes all waits fail.
func (s *space) end() {
	s.ended = true
	for _, name := range slices.Sorted(maps.Keys(s.objects)) {
		s.objects[name].end()
	}
}

// account has what the parent, or a job, waits for and holds. Its methods are for the loop only,
// except for link.
//
//	an ask     settle(done)   settle(back)         close
//	unknown    -              -                    -
//	pending    -              dropped, cancelled   dropped, cancelled
//	held       gone           gone; it goes back   gone; it goes back if the job was lost
type account struct {
	space *space // nil: there are no objects
	loop  *aio.Loop
	pipe  *space // the parent's end of the job's pipe, nil if there is none
	own   bool   // the parent's: it cannot be lost

	ids     atomic.Uint64 // of asks that do not bring their own
	pending map[uint64]*pendingAsk
	asked   int // bytes of pending asks from a worker
	holds   map[uint64]hold
	held    int // bytes
	closed  bool
}

// hold is an item, or a lock, that an ask has got.
type hold struct {
	back func(done bool)
	size int
}

// pendingAsk is an ask that waits.
type pendingAsk struct {
	task    aio.AnyTask // that waits for it; nil if others cancel it
	size    int         // bytes
	dropped bool        // what it gets goes back at once
}

func newAccount(l *aio.Loop, s, pipe *space) *account {
	return &account{space: s, loop: l, pipe: pipe,
		pending: map[uint64]*pendingAsk{}, holds: map[uint64]hold{}}
}

// expect notes an ask, whose task is known later.
func (a *account) expect(id uint64, size int) *pendingAsk {
	p := &pendingAsk{size: size}
	a.pending[id] = p
	a.asked += size
	return p
}

// forget removes an ask that is over or dropped.
func (a *account) forget(id uint64, p *pendingAsk) {
	if a.pending[id] == p {
		delete(a.pending, id)
		a.asked -= p.size
	}
}

// do performs an operation on behalf of the account.
func (a *account) do(
	ctx context.Context, id uint64, p *pendingAsk, r request,
) ([]byte, error) {
	if a.closed {
		return nil, errJobOver
	}
	reply, back, err := a.perform(ctx, r)
	switch {
	case err != nil:
		return nil, err
	case len(reply)+jobOverhead > a.limit():
		back(true)
		return nil, errTooLarge
	case back == nil:
	case p.dropped:
		back(false)
		return nil, errJobOver
	case !a.own && (len(a.holds) >= maxHolds || a.held > 0 && a.held+len(reply) > a.limit()):
		back(false)
		return nil, errHolds
	default:
		a.holds[id] = hold{back, len(reply)}
		a.held += len(reply)
	}
	return reply, nil
}

func (a *account) perform(
	ctx context.Context, r request,
) (reply []byte, back func(done bool), err error) {
	if r.name == "" {
		return a.converse(ctx, r)
	}
	if a.space == nil {
		return nil, nil, errNoObjects
	}
	o, err := a.space.find(r.name)
	if err != nil {
		return nil, nil, err
	}
	return o.do(ctx, r.op, r.data)
}

// settle ends what an ask has got, or is about to get.
func (a *account) settle(id uint64, done bool) {
	if h, ok := a.holds[id]; ok {
		delete(a.holds, id)
		a.held -= h.size
		h.back(done)
		return
	}
	if p := a.pending[id]; p != nil && !done {
		a.drop(id, p)
	}
}

// drop ends an ask that waits.
func (a *account) drop(id uint64, p *pendingAsk) {
	a.forget(id, p)
	p.dropped = true
	if p.task != nil {
		p.task.Cancel(nil)
	}
}

// stop ends what waits. Nothing can be asked any more.
func (a *account) stop() {
	a.closed = true
	for _, id := range slices.Sorted(maps.Keys(a.pending)) {
		a.drop(id, a.pending[id])
	}
}

// close ends what is on the account. If the job was lost, its items go back.
func (a *account) close(lost bool) {
	a.stop()
	for _, id := range slices.Sorted(maps.Keys(a.holds)) {
		a.settle(id, !lost)
	}
}

// link returns the way to the account from where the caller is. Any goroutine.
func (a *account) link() link {
	if a.loop.IsHere() {
		return local{a}
	}
	return crossing{a}
}

func (a *account) keeps() bool { return !a.own }

func (a *account) limit() int {
	if a.space == nil {
		return mostMessage
	}
	return a.space.max
}

// serve performs an operation in the caller's task.
func (a *account) serve(ctx context.Context, id uint64, r request) ([]byte, error) {
	p := a.expect(id, len(r.data))
	defer a.forget(id, p)
	return a.do(ctx, id, p, r)
}

// local is the link of tasks of the loop itself.
type local struct{ *account }

func (l local) ask(ctx context.Context, r request) (id uint64, reply []byte, err error) {
	id = l.ids.Add(1)
	reply, err = l.serve(ctx, id, r)
	return id, reply, err
}

// crossing is the link from other goroutines, and from tasks of other loops.
type crossing struct{ *account }

func (c crossing) ask(ctx context.Context, r request) (id uint64, data []byte, err error) {
	id = c.ids.Add(1)
	var left atomic.Bool
	got, err := aio.SubmitValue(ctx, c.loop, func(ctx context.Context) (reply, error) {
		data, err := c.serve(ctx, id, r)
		if left.Load() {
			c.account.settle(id, false)
		}
		return reply{data, err}, nil // an error that nobody takes would be reported
	})
	if err == nil {
		err = got.err
	}
	if err != nil { // nobody waits any more, but the operation may come, or go on
		left.Store(true)
		c.settle(id, false)
	}
	return id, got.data, err
}

func (c crossing) settle(id uint64, done bool) {
	// It fails only if the loop is closed, and the objects with it.
	c.loop.CallSoonThreadsafe(func() { c.account.settle(id, done) })
}
