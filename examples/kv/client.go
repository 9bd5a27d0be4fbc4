package main

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/stream"
)

// client asks the nodes until one answers that leads.
type client struct {
	id     string
	nodes  map[string]string
	all    []string
	to     string // the node to ask
	number int
	r      *stream.Reader
	w      *stream.Writer
}

func newClient(id string, nodes map[string]string) *client {
	all := slices.Sorted(maps.Keys(nodes))
	return &client{id: id, nodes: nodes, all: all, to: all[0]}
}

const (
	answerTime = time.Second
	askAgain   = 100 * time.Millisecond
)

// do has an operation done, once, and returns the value of its key. It asks again until there is an
// answer.
func (c *client) do(ctx context.Context, op operation) (string, error) {
	c.number++
	for {
		var a answer
		err := aio.Timeout(ctx, answerTime, func(ctx context.Context) (err error) {
			if c.w == nil {
				c.r, c.w, err = stream.Open(ctx, "tcp", c.nodes[c.to], stream.Limit(maxFrame))
				if err != nil {
					return err
				}
			}
			return exchange(ctx, c.r, c.w, &request{Ask: &ask{c.id, c.number, op}}, &a)
		})
		switch {
		case err != nil && ctx.Err() != nil:
			return "", err
		case err == nil && a.OK:
			return a.Value, nil
		case err == nil && a.Refused != "":
			return "", errors.New(a.Refused)
		}
		c.close()
		if next := a.Leader; err == nil && next != "" && next != c.to {
			c.to = next
			continue
		}
		c.to = c.all[(slices.Index(c.all, c.to)+1)%len(c.all)]
		if err := aio.Sleep(ctx, askAgain); err != nil {
			return "", err
		}
	}
}

func (c *client) close() {
	if c.w != nil {
		c.w.Abort()
		c.w = nil
	}
}
