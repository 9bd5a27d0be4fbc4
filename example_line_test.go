package aio_test

import (
	"context"
	"fmt"
	"time"

	"github.com/aio-go/aio"
)

// A pool of desks: a task waits in line for a desk, works there and gives it back.
type desks struct {
	free  int
	owner aio.TaskRef // of the last desk taken
	line  aio.Line
}

// Take waits for a free desk that no task has asked for before.
func (d *desks) Take(ctx context.Context) error {
	task := aio.Running(ctx, "desks.Take")
	d.line.MustFit(task, "desks.Take")
	if d.free > 0 && !d.line.Taken() {
		d.free--
		d.owner = task
		return nil
	}
	w := aio.NewWaiter(ctx, "desks.Take", d)
	if err := d.line.Wait(w); err != nil {
		if w.Woken() {
			d.Leave() // the desk was this task's already: the next in line gets it
		}
		return err
	}
	d.owner = task
	return nil
}

// Leave gives a desk to the first task in line.
func (d *desks) Leave() {
	if d.line.Call("desks.Leave").Zero() {
		d.free++
	}
}

func (d *desks) String() string { return "a desk" }

// Blockers makes snapshots and deadlock reports name the task at the desk.
func (d *desks) Blockers() []aio.TaskRef { return []aio.TaskRef{d.owner} }

func ExampleLine() {
	office := desks{free: 1}
	work := func(ctx context.Context) error {
		if err := office.Take(ctx); err != nil {
			return err
		}
		defer office.Leave()
		fmt.Println(aio.CurrentTask(ctx).Name(), "sits down,", office.line.Len(), "wait")
		return aio.Sleep(ctx, time.Minute)
	}
	aio.Run(context.Background(), func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for _, name := range []string{"ann", "bob", "cid"} {
				g.Go(work, aio.Name(name))
			}
			return nil
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// ann sits down, 0 wait
	// bob sits down, 1 wait
	// cid sits down, 0 wait
}

// A task that waits for a Blocker is shown with the task that holds it up.
func ExampleBlocker() {
	office := desks{free: 1}
	aio.Run(context.Background(), func(ctx context.Context) error {
		if err := office.Take(ctx); err != nil {
			return err
		}
		bob := aio.Start(ctx, office.Take, aio.Name("bob"))
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		for _, task := range aio.RunningLoop(ctx).Snapshot(false).Tasks {
			fmt.Printf("%s is %s, for %q\n", task.Name, task.State, task.On)
		}
		office.Leave()
		_, err := bob.Await(ctx)
		return err
	})
	// Output:
	// main is running, for ""
	// bob is waiting, for "a desk held by main"
}

func ExampleRunning() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		task := aio.Running(ctx, "desks.Take")
		fmt.Println(task.Name(), task.Task() == aio.CurrentTask(ctx))
		return nil
	})
	// Output: main true
}

func ExampleTaskRef() {
	var nobody aio.TaskRef
	aio.Run(context.Background(), func(ctx context.Context) error {
		me := aio.Running(ctx, "desks.Take")
		fmt.Println(nobody.Zero(), me.Zero(), me == aio.Running(ctx, "desks.Leave"))
		return nil
	})
	// Output: true false true
}
