// Package bugs has small programs with one bug each, in the shape of application code, and the same
// programs without it. Package aiotest is measured on them: it has to find each bug and must not
// accuse a program that has none.
package bugs

import (
	"context"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiotest"
)

// Program is a program for aiotest.Explore.
type Program func(ctx context.Context, t *aiotest.T) error

// twins is a program and its twin: it takes the choice between right and wrong as an argument.
type twins = func(ctx context.Context, t *aiotest.T, fixed bool) error

// Bug is a program with a bug, and its twin without.
type Bug struct {
	Name    string
	Kind    string
	Buggy   Program
	Fixed   Program
	Cancels bool // it shows when a task is cancelled: explore with aiotest.CancelEachAwait
	Victims []string
}

// Options returns the options for Explore.
func (b Bug) Options() []aiotest.Option {
	if b.Cancels {
		return []aiotest.Option{aiotest.CancelEachAwait(b.Victims...)}
	}
	return nil
}

// All are the bugs, in the order of their kinds.
var All []Bug

// add makes a bug of a program and its twin.
func add(name, kind string, program twins) {
	All = append(All, newBug(name, kind, program))
}

// addCancelled is add for a bug that shows when a task is cancelled.
// The names say which tasks are.
func addCancelled(name, kind string, program twins, victims ...string) {
	b := newBug(name, kind, program)
	b.Cancels, b.Victims = true, victims
	All = append(All, b)
}

func newBug(name, kind string, program twins) Bug {
	return Bug{
		Name: name, Kind: kind,
		Buggy: func(ctx context.Context, t *aiotest.T) error { return program(ctx, t, false) },
		Fixed: func(ctx context.Context, t *aiotest.T) error { return program(ctx, t, true) },
	}
}

// together runs the functions as the tasks of a group.
func together(ctx context.Context, fns ...func(ctx context.Context) error) error {
	return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
		for _, fn := range fns {
			g.Go(fn)
		}
		return nil
	})
}

// work is a call that takes a while: other tasks may run n times.
func work(ctx context.Context, n int) error {
	for range n {
		if err := aio.Yield(ctx); err != nil {
			return err
		}
	}
	return nil
}
