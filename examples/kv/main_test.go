package main

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/examples/internal/clitest"
	"github.com/aio-go/aio/internal/looptest"
)

func TestMain(m *testing.M) { clitest.Main(m, main) }

var kv = clitest.Program(run)

// The same program over sockets of the system.
func TestTheStoreRunsOverRealSockets(t *testing.T) {
	nodes := map[string]string{}
	for _, id := range []string{"a", "b", "c"} {
		nodes[id] = looptest.FreeAddress(t)
	}
	dir := t.TempDir()
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		return aio.Timeout(ctx, time.Minute, func(ctx context.Context) error {
			return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				defer g.Cancel(nil)
				for id := range nodes {
					g.Go(func(ctx context.Context) error { return newNode(id, nodes, dir, usualPulse).run(ctx) })
				}
				c := newClient("test", nodes)
				defer c.close()
				want := ""
				for n := range 20 {
					want += fmt.Sprint(n, " ")
					got, err := c.do(ctx, operation{"add", "x", fmt.Sprint(n, " ")})
					if err != nil || got != want {
						return fmt.Errorf("got %q, %v, want %q", got, err, want)
					}
				}
				return nil
			})
		})
	})
	if err != nil {
		t.Error(err)
	}
}

func TestMistakesAreExplained(t *testing.T) {
	for _, args := range [][]string{
		{}, {"-nodes", "a"}, {"-nodes", "a=:1"}, {"-nodes", "a=:1", "-id", "b"},
		{"-nodes", "a=:1", "put", "x"}, {"-nodes", "a=:1", "drop", "x"},
	} {
		if r := kv.Run(t.Context(), args...); r.Code != 2 {
			t.Errorf("%q: exit code %d", args, r.Code)
		}
	}
}
