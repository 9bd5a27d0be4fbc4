package main

import (
	"context"
	"fmt"

	"github.com/aio-go/aio"
)

// bot is a part that LoopBot plays.
type bot int

const (
	greetBot bot = iota
	waitBot
	chefBot
	wineBot
	bots = 4
)

func (b bot) String() string { return [...]string{"GreetBot", "WaitBot", "ChefBot", "WineBot"}[b] }

// job is something to do for a party.
type job struct {
	what task
	p    *party
}

type task int

const (
	takeOrder task = iota
	bringBill
	cook
	plate
	openWine
	pour
)

// greetBot greets diners at the front desk, and leads them to a table when one is free.
func (h *house) greetBot(ctx context.Context) error {
	for {
		p, err := h.door.Get(ctx)
		if err != nil {
			return err
		}
		table, err := h.free.Get(ctx)
		if err != nil {
			return err
		}
		if p.stage == leftHungry {
			if err := h.free.Put(ctx, table); err != nil {
				return err
			}
			continue
		}
		p.table, h.tables[table], p.waited = table, p, h.now()-p.came
		h.enter(p, beingSeated)
		if err := h.hands(ctx, greetBot, short, "leads party %d to table %d",
			p.number, table+1); err != nil {
			return err
		}
		p.seated.Set()
	}
}

// waitBot waits at the tables and takes orders.
func (h *house) waitBot(ctx context.Context) error {
	for {
		j, err := h.floor.Get(ctx)
		if err != nil {
			return err
		}
		if j.what == bringBill {
			err := h.hands(ctx, waitBot, short, "brings party %d the bill", j.p.number)
			if err != nil {
				return err
			}
			j.p.paid.Set()
			continue
		}
		err = h.hands(ctx, waitBot, short, "takes the order of party %d", j.p.number)
		if err != nil {
			return err
		}
		h.enter(j.p, waitsForFood)
		if err := h.kitchen.Put(ctx, job{cook, j.p}); err != nil {
			return err
		}
		if err := h.bar.Put(ctx, job{openWine, j.p}); err != nil {
			return err
		}
	}
}

// chefBot does the cooking. The evenings differ in how it waits for the oven.
func (h *house) chefBot(ctx context.Context, kitchen *aio.TaskGroup) error {
	for {
		j, err := h.kitchen.Get(ctx)
		if err != nil {
			return err
		}
		if j.what == plate {
			err := h.hands(ctx, chefBot, short, "serves the dish of party %d", j.p.number)
			if err != nil {
				return err
			}
			j.p.dish.Set()
			continue
		}
		if err := h.hands(ctx, chefBot, short, "puts the dish of party %d into the oven",
			j.p.number); err != nil {
			return err
		}
		h.oven++
		done := func(ctx context.Context) error {
			h.oven--
			return h.kitchen.Put(ctx, job{plate, j.p})
		}
		if h.blocking { // it stands before the oven: a call that blocks
			if err := h.hands(ctx, chefBot, baking, "watches the dish of party %d",
				j.p.number); err != nil {
				return err
			}
			if err := done(ctx); err != nil {
				return err
			}
			continue
		}
		kitchen.Go(func(ctx context.Context) error { // it sets a timer, and has its hands free
			if err := h.sleep(ctx, baking); err != nil {
				return err
			}
			return done(ctx)
		}, aio.Name(fmt.Sprint("oven timer ", j.p.number)))
	}
}

// wineBot manages the bar. The wine has to breathe.
func (h *house) wineBot(ctx context.Context, bar *aio.TaskGroup) error {
	for {
		j, err := h.bar.Get(ctx)
		if err != nil {
			return err
		}
		if j.what == pour {
			err = h.hands(ctx, wineBot, short, "pours the wine of party %d", j.p.number)
			if err != nil {
				return err
			}
			j.p.wine.Set()
			continue
		}
		err = h.hands(ctx, wineBot, short, "opens a bottle for party %d", j.p.number)
		if err != nil {
			return err
		}
		h.breathe++
		bar.Go(func(ctx context.Context) error {
			if err := h.sleep(ctx, opening); err != nil {
				return err
			}
			h.breathe--
			return h.bar.Put(ctx, job{pour, j.p})
		}, aio.Name(fmt.Sprint("bottle ", j.p.number)))
	}
}
