package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/stream"
)

// load is a number of clients that visit the server again and again.
type load struct {
	address string
	secure  *tls.Config
	clients int
	rng     *rand.Rand
	tally   *tally
}

// doomed is the share of visits that are cancelled half-way: one of so many.
const doomed = 4

// run lets the clients go on for so long or, unless visits is 0, for so many visits. It returns
// when the last visit has ended.
func (l *load) run(ctx context.Context, d time.Duration, visits int) error {
	over := false
	if visits == 0 {
		timer := aio.RunningLoop(ctx).CallLater(d, func() { over = true })
		defer timer.Cancel()
	}
	made := 0
	return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
		for i := range l.clients {
			g.Go(func(ctx context.Context) error {
				for !over && (visits == 0 || made < visits) {
					made++
					if err := l.visit(ctx); err != nil {
						return err
					}
				}
				return nil
			}, aio.Name(fmt.Sprintf("client %d", i)))
		}
		return nil
	})
}

// visit makes one visit, in a task of its own that may be cancelled at any point. A visit that goes
// wrong is noted; the error is that of the client's own cancellation.
func (l *load) visit(ctx context.Context) error {
	v := visits[l.rng.IntN(len(visits))]
	task := aio.Start(ctx, func(ctx context.Context) error { return l.make(ctx, v) },
		aio.Name(v.name))
	if l.rng.IntN(doomed) == 0 {
		after := time.Duration(l.rng.Int64N(int64(4 * settle)))
		timer := aio.RunningLoop(ctx).CallLater(after, func() { task.Cancel(nil) })
		defer timer.Cancel()
	}
	_, err := task.Await(ctx)
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	l.tally.add(v, err)
	return nil
}

// make connects and does what the visit is about. However that ends, the connection is gone
// afterwards.
func (l *load) make(ctx context.Context, v visit) error {
	r, w, err := stream.Open(ctx, "tcp", l.address)
	if err != nil {
		return err
	}
	defer w.Abort()
	return v.do(ctx, &visitor{r: r, w: w, rng: l.rng, secure: l.secure})
}

// tally counts what happened.
type tally struct {
	Visits    map[string]int `json:"visits"` // by name, cancelled ones included
	Cancelled int            `json:"cancelled"`
	Failed    int            `json:"failed"` // visits that went wrong
	// reports to the loop's exception handler, without warnings
	Reported int `json:"reported"`

	first []string // what went wrong first
}

func newTally() *tally { return &tally{Visits: map[string]int{}} }

// add counts a visit that ended with err.
func (t *tally) add(v visit, err error) {
	t.Visits[v.name]++
	switch {
	case errors.Is(err, aio.ErrCancelled):
		t.Cancelled++
	case err != nil:
		t.Failed++
		t.note(fmt.Sprintf("the visit %s failed: %v", v.name, err))
	}
}

// report is the loop's exception handler. Peers that leave are warnings, and expected here.
func (t *tally) report(_ *aio.Loop, r aio.Report) {
	if r.Warning {
		return
	}
	t.Reported++
	t.note(fmt.Sprintf("%s: %v", r.Message, r.Err))
}

// note keeps what went wrong first.
func (t *tally) note(what string) {
	if len(t.first) < 5 {
		t.first = append(t.first, what)
	}
}

// visits is the number of visits that have ended.
func (t *tally) visits() int {
	n := 0
	for _, k := range t.Visits {
		n += k
	}
	return n
}

// problems returns what went wrong, or the beginning of it.
func (t *tally) problems() []string {
	problems := append([]string{}, t.first...)
	if more := t.Failed + t.Reported - len(t.first); more > 0 {
		problems = append(problems, fmt.Sprintf("and %d more like these", more))
	}
	return problems
}
