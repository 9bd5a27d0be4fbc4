package bugs

import (
	"context"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/aiotest"
)

func init() {
	add("forgotten-notify", "state changes without a notification", forgottenNotify)
	add("event-before-wait", "pulse comes before the wait", eventBeforeWait)
	add("missed-message", "message between connect and subscribe", missedMessage)
	add("countdown", "last one in is not the last one out", countdown)
	add("latest-wins", "old answer overwrites a new one", latestWins)
}

// forgottenNotify returns credit in one of two ways, and tells of one only.
func forgottenNotify(ctx context.Context, t *aiotest.T, fixed bool) error {
	var changed aiosync.Condition
	credit := 0
	add := func(n int, tell bool) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			if err := work(ctx, 2); err != nil {
				return err
			}
			return changed.With(ctx, func(ctx context.Context) error {
				credit += n
				if tell {
					changed.NotifyAll()
				}
				return nil
			})
		}
	}
	return together(ctx, func(ctx context.Context) error {
		return changed.With(ctx, func(ctx context.Context) error {
			return changed.WaitUntil(ctx, func() bool { return credit >= 2 })
		})
	}, add(1, fixed), add(1, true))
}

// eventBeforeWait pulses an event, which those who do not wait yet miss.
func eventBeforeWait(ctx context.Context, t *aiotest.T, fixed bool) error {
	var started aiosync.Event
	return together(ctx, func(ctx context.Context) error {
		return started.Wait(ctx)
	}, func(ctx context.Context) error {
		started.Set()
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		if !fixed {
			started.Clear()
		}
		return nil
	})
}

// missedMessage subscribes when the connection is up; what is sent in between is missed.
func missedMessage(ctx context.Context, t *aiotest.T, fixed bool) error {
	news := aiosync.NewBroadcast[string](8)
	connected := aio.NewFuture[aio.None](ctx)
	got := ""
	err := together(ctx, func(ctx context.Context) error {
		var sub *aiosync.Subscription[string]
		if fixed {
			sub = news.Subscribe()
		}
		connected.SetResult(aio.None{})
		if err := aio.Yield(ctx); err != nil { // it reads the greeting
			return err
		}
		if !fixed {
			sub = news.Subscribe()
		}
		for text, err := range sub.All(ctx) {
			if err != nil {
				return err
			}
			got += text
		}
		return nil
	}, func(ctx context.Context) error {
		if _, err := connected.Await(ctx); err != nil {
			return err
		}
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		news.Send("hello")
		if err := work(ctx, 3); err != nil {
			return err
		}
		news.Close()
		return nil
	})
	if err == nil && got != "hello" {
		t.Errorf("the subscriber got %q", got)
	}
	return err
}

// countdown ends a job when the last of its parts ends, and counts a part when it begins.
func countdown(ctx context.Context, t *aiotest.T, fixed bool) error {
	left, ended := 0, 0
	if fixed {
		left = 3
	}
	part := func(ctx context.Context) error {
		if !fixed {
			left++
		}
		if err := work(ctx, 1); err != nil {
			return err
		}
		if left--; left == 0 {
			ended++
		}
		return nil
	}
	err := together(ctx, part, part, part)
	if err == nil && ended != 1 {
		t.Errorf("the job has ended %d times", ended)
	}
	return err
}

// latestWins shows the answer to each key that is typed, in the order in which answers come.
func latestWins(ctx context.Context, t *aiotest.T, fixed bool) error {
	shown, typed := "", 0
	search := func(n int, text string) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			err := aio.Blocking(
				ctx,
				func(context.Context) error { return nil },
			) // the index is read
			if err != nil {
				return err
			}
			if !fixed || n == typed {
				shown = text
			}
			return nil
		}
	}
	err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
		for _, text := range []string{"g", "go"} {
			typed++
			g.Go(search(typed, text))
			if err := aio.Yield(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && shown != "go" {
		t.Errorf("%q is shown", shown)
	}
	return err
}
