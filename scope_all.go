package aio

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
)

// All runs the functions concurrently, each as a task, and returns their results in the order of
// the arguments. The tasks are called All[0], All[1] and so on. If one fails, the others are
// cancelled and waited for, and the errors are joined as by [Group]. Without arguments it returns
// at once. For tasks that were started before, and for asyncio's exact rules, use [Gather].
// asyncio: gather.
//
// Cancellation: All cancels the tasks, waits for them and returns the error.
func All[T any](ctx context.Context, fns ...Func[T]) ([]T, error) {
	w := running(ctx, "All")
	if len(fns) == 0 {
		return nil, nil
	}
	mustBeFuncs("All", fns)
	tasks := make([]*Task[T], len(fns))
	names := newItemNames("All", 0, len(fns))
	err := group(w, ctx, "All", callerPC(0), func(_ context.Context, g *TaskGroup) error {
		for i, fn := range fns {
			tasks[i] = GoValue(g, fn, &names[i])
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := make([]T, len(fns))
	for i, t := range tasks {
		if out[i], err = t.Result(); err != nil { // cancelled by another task, which ends no group
			return nil, err
		}
	}
	return out, nil
}

// mustBeFuncs panics if one of the functions is nil, before any is started.
func mustBeFuncs[T any](op string, fns []Func[T]) {
	for i, fn := range fns {
		if fn == nil {
			panic(misuse(op, fmt.Sprintf("function %d is nil; leave it out", i)))
		}
	}
}

// Race runs the functions concurrently and returns the result of the first that succeeds. The
// others are cancelled and waited for. If none succeeds, it returns their errors, joined in the
// order in which they happened. The errors of the others are dropped, their panics are not. Without
// arguments Race returns an error.
//
// Cancellation: Race cancels the tasks, waits for them and returns the error.
func Race[T any](ctx context.Context, fns ...Func[T]) (T, error) {
	w := running(ctx, "Race")
	var winner T
	if len(fns) == 0 {
		return winner, errors.New("aio: Race: nothing to run; pass at least one function")
	}
	mustBeFuncs("Race", fns)
	won := false
	names := newItemNames("Race", 0, len(fns))
	var lost []error
	err := group(w, ctx, "Race", callerPC(0), func(_ context.Context, g *TaskGroup) error {
		for i, fn := range fns {
			g.Go(func(ctx context.Context) error {
				v, err := fn(ctx)
				switch {
				case won:
				case err != nil:
					lost = append(lost, err)
				default:
					won, winner = true, v
					g.Cancel(errors.New("another function won the race"))
				}
				return nil
			}, &names[i])
		}
		return nil
	})
	var none T
	switch {
	case err != nil:
		return none, err
	case !won:
		return none, errors.Join(lost...)
	}
	return winner, nil
}

// Limit is an option of [Map] and [MapSettled]: at most that many calls run at the same time. It
// panics there if it is less than 1.
type Limit int

// Map calls fn for each item, concurrently, and returns the results in the order of the items. With
// a [Limit] n, at most n calls run at the same time, in at most n tasks. If a call fails, the
// others are cancelled and waited for, and no further call starts. The errors are joined as by
// [Group]. A task has the name of the item that it works on: Map[3] is at work on items[3]. For a
// function without a result let fn return [None], or call TaskGroup.Go for each item.
//
// Cancellation: Map cancels the tasks, waits for them and returns the error.
func Map[In, Out any](
	ctx context.Context,
	items []In,
	fn func(ctx context.Context, item In) (Out, error),
	opts ...MapOption,
) ([]Out, error) {
	w := running(ctx, "Map")
	mustHave("Map", fn != nil)
	if len(items) == 0 {
		return nil, nil
	}
	limit := mapLimit("Map", len(items), opts)
	out := make([]Out, len(items))
	next := 0
	var stopped error // a call ended as cancelled, for which the group does not end
	var workers []*Task[None]
	err := group(w, ctx, "Map", callerPC(0), func(_ context.Context, g *TaskGroup) error {
		names := newItemNames("Map", 0, limit)
		for i := range limit {
			name := &names[i]
			workers = append(workers, g.Go(func(ctx context.Context) error {
				for next < len(items) {
					i := next
					next++
					name.index.Store(int64(i))
					v, err := fn(ctx, items[i])
					if err != nil {
						if isCancellation(err) || isBareCanceled(err) && ctx.Err() != nil {
							stopped = cmp.Or(stopped, err)
							g.Cancel(err)
						}
						return err
					}
					out[i] = v
				}
				return nil
			}, name))
		}
		return nil
	})
	for _, t := range workers {
		if next < len(items) {
			stopped = cmp.Or(stopped, t.Err()) // cancelled before it began
		}
	}
	if err = cmp.Or(err, stopped); err != nil {
		return nil, err
	}
	return out, nil
}

// MapSettled calls fn for each item, as [Map] does, and returns the outcomes in the order of the
// items. A call that fails does not end the others. Errors, cancellations, panics (as
// [*PanicError]) and runtime.Goexit (as [*GoexitError]) are outcomes too. The returned error is
// only that of the wait itself.
//
// Cancellation: MapSettled cancels the tasks and waits for them. It starts no further call and
// returns only the error.
func MapSettled[In, Out any](
	ctx context.Context,
	items []In,
	fn func(ctx context.Context, item In) (Out, error),
	opts ...MapOption,
) ([]Outcome[Out], error) {
	w := running(ctx, "MapSettled")
	mustHave("MapSettled", fn != nil)
	if len(items) == 0 {
		return nil, nil
	}
	limit := mapLimit("MapSettled", len(items), opts)
	out := make([]Outcome[Out], len(items))
	next := 0
	start := func(_ context.Context, g *TaskGroup) error {
		var begin func(n int) // tasks
		work := func(ctx context.Context, name *itemName) error {
			for next < len(items) {
				i := next
				next++
				name.index.Store(int64(i))
				settle(ctx, &out[i], fn, items[i], func() { // by runtime.Goexit
					if ctx.Err() != nil {
						return // nobody gets the outcomes: it is a failure
					}
					if g.excuse(ctx.(*scope).task); next < len(items) {
						begin(1)
					}
				})
				if ctx.Err() == nil {
					continue
				}
				if next < len(items) {
					begin(1) // this task was cancelled; if the group was not, another one goes on
				}
				return out[i].Err
			}
			return nil
		}
		begin = func(n int) {
			names := newItemNames("MapSettled", next, n)
			for i := range names {
				g.Go(func(ctx context.Context) error { return work(ctx, &names[i]) }, &names[i])
			}
		}
		begin(min(limit, len(items)-next))
		return nil
	}
	for pc := callerPC(0); next < len(items); { // again if tasks were cancelled before they began
		if err := group(w, ctx, "MapSettled", pc, start); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// settle calls fn and stores the outcome, even if fn panics. If fn ends its task, settle calls
// exited.
func settle[In, Out any](
	ctx context.Context,
	o *Outcome[Out],
	fn func(ctx context.Context, item In) (Out, error),
	item In,
	exited func(),
) {
	returned := false
	defer func() {
		if returned {
			return
		}
		t := ctx.(*scope).task
		if v := recover(); v != nil {
			o.Err = &PanicError{Value: v, Stack: debug.Stack()}
		} else if !t.worker.exiting { // otherwise the loop is ending the task
			o.Err = &GoexitError{Name: t.Name()}
			exited()
		}
	}()
	o.Value, o.Err = fn(ctx, item)
	returned = true
}

// mapLimit returns how many of n items may run at the same time.
func mapLimit(op string, n int, opts []MapOption) int {
	s := mapSettings{limit: n}
	mustHaveOptions(op, opts)
	for _, o := range opts {
		o.mapOption(&s)
	}
	return min(s.limit, n)
}

// MapOption is a setting of [Map] and [MapSettled].
type MapOption interface{ mapOption(s *mapSettings) }

type mapSettings struct{ limit int }

func (n Limit) mapOption(s *mapSettings) {
	if n < 1 {
		panic(misuse("Limit", fmt.Sprintf("the limit is %d; use 1 or more", n)))
	}
	s.limit = int(n)
}

// ErrNotReady is returned by [GoReady] if fn returned nil without calling ready.
var ErrNotReady = errors.New("aio: GoReady: the task ended without calling ready")

// GoReady starts fn as a task of group g, waits until fn calls ready, and returns the value given
// to ready. That may be the address on which a server listens. From then on fn is a task like those
// of [TaskGroup.Go]. If fn ends before that, GoReady returns its error, and the group goes on. If
// fn returned nil, the error is [ErrNotReady]. trio: nursery.start. asyncio has no counterpart.
//
// Cancellation: GoReady cancels fn, waits for it and returns the error. What fn returns then is
// dropped; a panic is not.
func GoReady[T any](
	ctx context.Context,
	g *TaskGroup,
	fn func(ctx context.Context, ready func(v T)) error,
	opts ...TaskOption,
) (T, error) {
	mustHave("GoReady", fn != nil)
	if g == nil {
		panic(misuse("GoReady", "the group is nil; use the one that Group passes to its body"))
	}
	said := newFuture[T](loopOf(ctx, "GoReady"))
	said.flags |= observed // what goes wrong before is returned here
	t := g.Go(func(ctx context.Context) error {
		err := fn(ctx, func(v T) { said.SetResult(v) })
		if said.Done() && !said.Cancelled() {
			return err
		}
		if err == nil {
			err = ErrNotReady
		}
		said.SetError(err)
		return nil
	}, opts...)
	t.AddDoneCallback(func() {
		if err := t.Err(); err != nil && !said.Done() { // it panicked, or never ran
			said.SetError(err)
		}
	})
	v, err := said.Await(ctx)
	if err != nil && !t.Done() {
		t.Cancel(err)
		Wait(context.WithoutCancel(ctx), AllCompleted, t)
	}
	return v, err
}
