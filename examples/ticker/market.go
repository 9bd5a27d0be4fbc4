package main

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/aiosync"
)

// kept is how many events the market remembers for those who come back.
const kept = 1000

// quote is the data of an event.
type quote struct {
	Name  string `json:"name"`
	Cents int    `json:"cents"`
}

// market is what the tasks share. They belong to one loop: none of this needs a lock.
type market struct {
	prices  []quote
	random  *rand.Rand
	changes int
	history []aiohttp.Event // the last events, in order
	changed *aiosync.Condition
}

func newMarket(seed uint64) *market {
	return &market{
		prices: []quote{
			{"Anvil & Sons", 10_000}, {"Blue Whale Shipping", 25_050},
			{"Cloud Nine Air", 4_200}, {"Dandelion Seeds", 980},
		},
		random:  rand.New(rand.NewPCG(seed, 0)),
		changed: aiosync.NewCondition(nil),
	}
}

// trade changes one price after the other until it is cancelled.
func (m *market) trade(ctx context.Context, every time.Duration) error {
	for {
		if err := aio.Sleep(ctx, every); err != nil {
			return err
		}
		err := m.changed.With(ctx, func(context.Context) error {
			m.change()
			m.changed.NotifyAll()
			return nil
		})
		if err != nil {
			return err
		}
	}
}

// change moves one price by at most two percent.
func (m *market) change() {
	q := &m.prices[m.random.IntN(len(m.prices))]
	q.Cents = max(1, q.Cents+m.random.IntN(q.Cents/25+3)-q.Cents/50-1)
	m.changes++
	data, err := json.Marshal(q)
	if err != nil {
		panic(err) // it has no other values
	}
	if len(m.history) == kept {
		m.history = append(m.history[:0], m.history[kept/2:]...)
	}
	m.history = append(m.history,
		aiohttp.Event{ID: strconv.Itoa(m.changes), Name: "price", Data: string(data)})
}

// after waits until there is an event after the number n, and returns the next one. Of events that
// are forgotten it returns the first that is not.
func (m *market) after(ctx context.Context, n int) (e aiohttp.Event, number int, err error) {
	err = m.changed.With(ctx, func(ctx context.Context) error {
		return m.changed.WaitUntil(ctx, func() bool { return m.changes > n })
	})
	if err != nil {
		return e, n, err
	}
	first := m.changes - len(m.history) + 1
	number = max(n+1, first)
	return m.history[number-first], number, nil
}
