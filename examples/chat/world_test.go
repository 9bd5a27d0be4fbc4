package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiotest"
	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/stream"
)

// The chat as it is, in a simulated world: 1,000 members in 100 rooms for an hour.
func TestAThousandMembersChatForAnHourOfVirtualTime(t *testing.T) {
	const members, rooms, lines = 1000, 100, 3
	aiotest.Run(t, func(ctx context.Context, t *aiotest.T) error {
		w := aiotest.NewWorld(ctx, t, aiotest.Faults{})
		w.SetLink(aiotest.Link{Latency: 20 * time.Millisecond})
		var log strings.Builder
		w.Host("chat").Boot(func(ctx context.Context) error {
			s, err := parseFlags([]string{"-addr", ":2424", "-backlog", "1000000"})
			if err != nil {
				return err
			}
			return serve(ctx, s, cli.Streams{Out: &log})
		})
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return err
		}
		loop := aio.RunningLoop(ctx)
		end := loop.Time().Add(time.Hour)
		ctx = w.Host("members").Context(ctx)
		return aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
			for i := range members {
				g.Go(func(ctx context.Context) error {
					return chats(ctx, t, i, i%rooms, lines, members/rooms, end)
				}, aio.Name(fmt.Sprint("member ", i)))
			}
			return nil
		})
	}, aiotest.MaxSteps(100_000_000))
}

// chats is a member who comes in the first minutes, says some lines in a room, and stays to the end.
func chats(ctx context.Context, t *aiotest.T, i, room, lines, company int, end time.Time) error {
	loop := aio.RunningLoop(ctx)
	if err := aio.Sleep(ctx, time.Duration(i)*100*time.Millisecond); err != nil {
		return err
	}
	r, w, err := stream.Open(ctx, "tcp", "chat:2424")
	if err != nil {
		return err
	}
	defer w.Close()
	fmt.Fprintf(w, "/join room%d\n", room)
	said := 0 // by others in the room
	return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
		g.Go(func(ctx context.Context) error {
			for {
				line, err := r.ReadLine(ctx)
				if err != nil {
					return nil
				}
				if strings.Contains(string(line), "hello from ") {
					said++
				}
			}
		})
		// all are there after two minutes
		for n := range lines {
			at := end.Add(-time.Duration(lines-n) * 10 * time.Minute)
			if err := aio.Sleep(ctx, at.Sub(loop.Time())); err != nil {
				return err
			}
			fmt.Fprintf(w, "hello from %d\n", i)
		}
		if err := aio.Sleep(ctx, end.Sub(loop.Time())); err != nil {
			return err
		}
		if want := lines * (company - 1); said != want {
			t.Errorf("member %d has heard %d lines, want %d", i, said, want)
		}
		w.Close()
		return nil
	})
}
