package main

import (
	"context"
	"encoding/json"
	"math"
	"net/url"
	"slices"
	"strings"

	"github.com/eclipse/paho.golang/paho"

	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/examples/bridges/mqtt"
)

// mostDevices is how many thermometers the board knows. It ignores further ones.
const mostDevices = 1000

// sensor is what is known of a thermometer.
type sensor struct {
	Name    string   `json:"name"`
	Online  bool     `json:"online"`
	Celsius *float64 `json:"celsius,omitempty"` // nil before the first reading

	change int // the number of its last change
}

// board has all thermometers. It belongs to one loop: none of this needs a lock.
type board struct {
	sensors  map[string]*sensor
	changes  int
	readings int
	changed  *aiosync.Condition
}

func newBoard() *board {
	return &board{sensors: map[string]*sensor{}, changed: aiosync.NewCondition(nil)}
}

// listen puts on the board what the thermometers publish, until it is cancelled.
func (b *board) listen(ctx context.Context, broker *url.URL, ready func()) error {
	return withClient(ctx, clientOf(broker, ""), func(ctx context.Context, c *mqtt.Client) error {
		for m, err := range c.Subscribe(ctx, "sensors/+/+", 1, ready) {
			if err != nil {
				return err
			}
			err = b.changed.With(ctx, func(context.Context) error {
				if b.take(m) {
					b.changed.NotifyAll()
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// take reports whether a message has changed the board. Anybody may publish anything.
func (b *board) take(m *paho.Publish) bool {
	name, what, _ := strings.Cut(strings.TrimPrefix(m.Topic, "sensors/"), "/")
	s := b.sensors[name]
	if s == nil && (checkName(name) != nil || len(b.sensors) == mostDevices) {
		return false
	}
	next := sensor{Name: name, Online: true}
	if s != nil {
		next = *s
	}
	switch what {
	case "status":
		next.Online = string(m.Payload) == "online"
	case "reading":
		var r reading
		if json.Unmarshal(m.Payload, &r) != nil || math.Abs(r.Celsius) > 1000 {
			return false
		}
		next.Celsius = &r.Celsius
		b.readings++
	default:
		return false
	}
	b.changes++
	next.change = b.changes
	b.sensors[name] = &next
	return true
}

// after waits until there is a change after the number n. It returns the thermometers that have
// changed since, in the order of their changes, and the number of the last one. A slow listener
// gets fewer readings, and holds up nobody.
func (b *board) after(ctx context.Context, n int) (news []sensor, number int, err error) {
	err = b.changed.With(ctx, func(ctx context.Context) error {
		return b.changed.WaitUntil(ctx, func() bool { return b.changes > n })
	})
	if err != nil {
		return nil, n, err
	}
	for _, s := range b.sensors {
		if s.change > n {
			news = append(news, *s)
		}
	}
	slices.SortFunc(news, func(a, c sensor) int { return a.change - c.change })
	return news, b.changes, nil
}
