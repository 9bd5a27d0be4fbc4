package guide_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"slices"
	"time"

	"github.com/aio-go/aio"
)

// Latch lets tasks wait until it is opened, once and for all. The zero value is closed.
type Latch struct {
	open bool
	line aio.Line
}

// Wait returns at once if the latch is open, and suspends the task until then if it is not.
func (l *Latch) Wait(ctx context.Context) error {
	t := aio.Running(ctx, "Latch.Wait") // panics if no task of the loop calls it
	l.line.MustFit(t, "Latch.Wait")     // panics if the latch belongs to another loop
	if l.open {
		return nil
	}
	return l.line.Wait(aio.NewWaiter(ctx, "Latch.Wait", l))
}

// Open opens the latch. All tasks that wait resume in the next pass, in their order.
func (l *Latch) Open() {
	l.open = true
	l.line.CallAll("Latch.Open")
}

func (l *Latch) String() string { return fmt.Sprintf("<Latch, %d waiting>", l.line.Len()) }

func Example_latch() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		var start Latch
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for i := range 2 {
				g.Go(func(ctx context.Context) error {
					if err := start.Wait(ctx); err != nil {
						return err
					}
					fmt.Println("runner", i, "starts")
					return nil
				})
			}
			if err := aio.Sleep(ctx, time.Second); err != nil {
				return err
			}
			fmt.Println(&start)
			start.Open()
			return start.Wait(ctx) // it is open: this does not wait
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// <Latch, 2 waiting>
	// runner 0 starts
	// runner 1 starts
}

// Printer is used by one task at a time. Of the tasks that wait, the most urgent is next.
type Printer struct {
	name    string
	user    aio.TaskRef // the task that uses it; zero: none
	waiting []request   // the most urgent first, equal ones in FIFO order
}

type request struct {
	urgency int
	waiter  aio.Waiter
}

// Acquire waits until the printer is free and no task with the same or a higher urgency waits.
//
// Cancellation: the task loses its place. If it has the printer already, the next task gets it.
func (p *Printer) Acquire(ctx context.Context, urgency int) error {
	t := aio.Running(ctx, "Printer.Acquire")
	if p.user.Zero() {
		p.user = t
		return nil
	}
	w := aio.NewWaiter(ctx, "Printer.Acquire", p)
	i := slices.IndexFunc(p.waiting, func(r request) bool { return r.urgency < urgency })
	if i < 0 {
		i = len(p.waiting)
	}
	p.waiting = slices.Insert(p.waiting, i, request{urgency, w})
	err := w.Park() // until Release calls Unpark
	if err != nil {
		p.waiting = slices.DeleteFunc(p.waiting, func(r request) bool { return r.waiter == w })
		if w.Woken() { // cancelled after Unpark and before it resumed: pass the printer on
			p.Release()
		}
	}
	return err
}

// Release gives the printer to the most urgent task that waits.
func (p *Printer) Release() {
	p.user = aio.TaskRef{}
	for len(p.waiting) > 0 {
		next := p.waiting[0].waiter
		p.waiting = slices.Delete(p.waiting, 0, 1)
		if next.Unpark() { // false: that task was cancelled
			p.user = next.Task()
			return
		}
	}
}

// Blockers makes it an aio.Blocker: a wait for the printer is a wait for its user.
func (p *Printer) Blockers() []aio.TaskRef { return []aio.TaskRef{p.user} }

func (p *Printer) String() string { return fmt.Sprintf("<Printer %s>", p.name) }

func Example_printer() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		p := &Printer{name: "p"}
		job := func(text string, urgency int) func(ctx context.Context) error {
			return func(ctx context.Context) error {
				if err := p.Acquire(ctx, urgency); err != nil {
					return err
				}
				defer p.Release()
				fmt.Println(text)
				return aio.Sleep(ctx, time.Minute)
			}
		}
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(job("poster", 1))
			g.Go(job("photo", 1))
			g.Go(job("ticket", 9))
			return nil
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}

	// Each of two tasks has one printer and wants the other.
	err = aio.Run(context.Background(), func(ctx context.Context) error {
		a, b := &Printer{name: "a"}, &Printer{name: "b"}
		both := func(first, second *Printer) func(ctx context.Context) error {
			return func(ctx context.Context) error {
				if err := first.Acquire(ctx, 1); err != nil {
					return err
				}
				defer first.Release()
				if err := aio.Yield(ctx); err != nil {
					return err
				}
				return second.Acquire(ctx, 1)
			}
		}
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(both(a, b), aio.Name("ann"))
			g.Go(both(b, a), aio.Name("bob"))
			return nil
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	var deadlock *aio.DeadlockError
	if errors.As(err, &deadlock) {
		for _, t := range deadlock.Cycle {
			fmt.Println(t.Name, "waits in", t.Op, "for", t.On)
		}
	}
	// Output:
	// poster
	// ticket
	// photo
	// ann waits in Printer.Acquire for <Printer b> held by bob
	// bob waits in Printer.Acquire for <Printer a> held by ann
}
