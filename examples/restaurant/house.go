package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/examples/internal/clock"
)

// evening is one run of the restaurant.
type evening struct {
	name, title string
	blocking    bool // ChefBot watches the oven
	threads     bool // four bots, each with hands of its own, in place of LoopBot
	house       *house
}

// house is the restaurant. It belongs to the loop: only tasks of that touch it, and one at a time,
// so nothing of it is locked.
type house struct {
	*evening
	clock *clock.Clock
	speed float64 // seconds of the restaurant in a second of the clock
	began time.Time
	stop  func() error  // not nil when it has to end
	ended time.Duration // when the last guests had gone; 0 before

	parties []*party
	tables  [4]*party
	door    *aiosync.Queue[*party]
	free    *aiosync.Queue[int] // tables
	floor   *aiosync.Queue[job] // what WaitBot has to do
	kitchen *aiosync.Queue[job] // ChefBot
	bar     *aiosync.Queue[job] // WineBot
	oven    int                 // dishes in it
	breathe int                 // bottles that were opened and are not ready yet

	holding [bots]*hold // holds of the loop, at most one; with threads what each bot does
	held    []hold      // the holds so far, in the order of their ends

	// ofItsOwn lets the time of a bot's work go by where every bot is a thread.
	ofItsOwn func(ctx context.Context, d time.Duration) error

	told  func(what string) // something happened
	paint func()            // show the house as it is
}

// How long things take, in seconds of the restaurant.
const (
	between  = 4 * time.Second // parties
	patience = 15 * time.Second
	short    = 500 * time.Millisecond // what a bot does with its hands
	reading  = 1500 * time.Millisecond
	baking   = 6 * time.Second
	opening  = 3 * time.Second
	eating   = 8 * time.Second
)

func newHouse(e *evening, parties int, c *clock.Clock, speed float64, stop func() error) *house {
	h := &house{
		evening: e, clock: c, speed: speed, began: c.Now(), stop: stop,
		door: aiosync.NewQueue[*party](0), free: aiosync.NewQueue[int](0),
		floor: aiosync.NewQueue[job](0), kitchen: aiosync.NewQueue[job](0),
		bar:  aiosync.NewQueue[job](0),
		told: func(string) {}, paint: func() {}, ofItsOwn: aio.Sleep,
	}
	for i := range parties {
		h.parties = append(h.parties, &party{number: i + 1, came: time.Duration(i) * between})
	}
	e.house = h
	return h
}

// errClosed is why the bots end.
var errClosed = errors.New("the last guests have gone")

// serve is the whole evening: four bots that go on for ever, and guests that come and go.
func (h *house) serve(ctx context.Context) error {
	defer func() { h.ended = h.now() }()
	for table := range h.tables {
		if err := h.free.Put(ctx, table); err != nil {
			return err
		}
	}
	return aio.Group(ctx, func(ctx context.Context, bots *aio.TaskGroup) error {
		bots.Go(func(ctx context.Context) error { return h.greetBot(ctx) }, aio.Name("GreetBot"))
		bots.Go(func(ctx context.Context) error { return h.waitBot(ctx) }, aio.Name("WaitBot"))
		bots.Go(func(ctx context.Context) error { return h.chefBot(ctx, bots) },
			aio.Name("ChefBot"))
		bots.Go(func(ctx context.Context) error { return h.wineBot(ctx, bots) },
			aio.Name("WineBot"))
		defer bots.Cancel(errClosed)
		return aio.Group(ctx, func(ctx context.Context, guests *aio.TaskGroup) error {
			for _, p := range h.parties {
				if err := h.sleep(ctx, p.came-h.now()); err != nil {
					return err
				}
				guests.Go(func(ctx context.Context) error { return h.visit(ctx, p) },
					aio.Name(fmt.Sprint("party ", p.number)))
			}
			return nil
		})
	})
}

// sleep waits for d by the clock of the restaurant.
func (h *house) sleep(ctx context.Context, d time.Duration) error {
	return aio.Sleep(ctx, h.scaled(d))
}

func (h *house) scaled(d time.Duration) time.Duration { return time.Duration(float64(d) / h.speed) }

// now is how long the restaurant has been open.
func (h *house) now() time.Duration {
	return time.Duration(float64(h.clock.Now().Sub(h.began)) * h.speed)
}

// at is the time of the clock at which the restaurant has been open for t.
func (h *house) at(t time.Duration) time.Time { return h.began.Add(h.scaled(t)) }

func (h *house) tell(format string, args ...any) { h.told(fmt.Sprintf(format, args...)) }
