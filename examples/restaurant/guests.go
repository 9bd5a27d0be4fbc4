package main

import (
	"context"
	"errors"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// stage is where a party stands.
type stage int

const (
	notYet stage = iota
	atTheDoor
	beingSeated
	reads
	ready // to order
	waitsForFood
	eats
	wantsToPay
	goneHome
	leftHungry
)

// party is a party of guests: a task, and its state.
type party struct {
	number  int
	stage   stage
	table   int
	since   time.Duration // when the stage began
	came    time.Duration // whether or not a bot has noticed: guests come independently of the loop
	waited  time.Duration // at the door
	visited time.Duration // in all

	seated, dish, wine, paid aiosync.Event
}

func (h *house) enter(p *party, s stage) {
	p.stage, p.since = s, h.now()
}

// visit is a party's evening. A party that is not greeted in time leaves.
func (h *house) visit(ctx context.Context, p *party) error {
	h.enter(p, atTheDoor)
	h.tell("party %d comes in", p.number)
	if err := h.door.Put(ctx, p); err != nil {
		return err
	}
	err := aio.TimeoutAt(ctx, h.at(p.came+patience), p.seated.Wait)
	if errors.Is(err, context.DeadlineExceeded) {
		if p.stage == atTheDoor {
			p.waited = h.now() - p.came
			h.enter(p, leftHungry)
			h.tell("party %d has waited for %.1f s and leaves hungry", p.number, p.waited.Seconds())
			return nil
		}
		err = p.seated.Wait(ctx) // GreetBot has come just now
	}
	if err != nil {
		return err
	}

	h.enter(p, reads)
	if err := h.sleep(ctx, reading); err != nil {
		return err
	}
	h.enter(p, ready)
	if err := h.floor.Put(ctx, job{takeOrder, p}); err != nil {
		return err
	}
	if err := p.dish.Wait(ctx); err != nil {
		return err
	}
	if err := p.wine.Wait(ctx); err != nil {
		return err
	}

	h.enter(p, eats)
	h.tell("party %d has its dish and its wine", p.number)
	if err := h.sleep(ctx, eating); err != nil {
		return err
	}
	h.enter(p, wantsToPay)
	if err := h.floor.Put(ctx, job{bringBill, p}); err != nil {
		return err
	}
	if err := p.paid.Wait(ctx); err != nil {
		return err
	}
	p.visited = h.now() - p.came
	h.enter(p, goneHome)
	h.tell("party %d goes home happy", p.number)
	h.tables[p.table] = nil
	return h.free.Put(ctx, p.table)
}
