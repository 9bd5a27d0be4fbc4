package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/stream"
)

// burst is how many lines a member may send at once before the rate counts.
const burst = 20

// serve is the conversation with one member, from the first line to the last.
func (h *hall) serve(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
	m := h.enter(terminal{w, h.backlog})
	fmt.Fprintf(h.log, "%s has come from %s, %d here\n", m.nick, from(w), len(h.members))
	why := "has gone"
	defer func() {
		if m.slow {
			why = "was too slow to read and is cut off"
		}
		h.exit(m, why)
	}()
	here, leave := aio.WithCancelCause(ctx) // as long as the connection is
	watch := aio.Start(ctx, func(ctx context.Context) error {
		defer leave(nil)
		if err := w.WaitClosed(ctx); errors.Is(err, aio.ErrCancelled) {
			return err
		}
		return nil
	}, aio.Name("watch over "+m.nick))
	defer watch.Cancel(nil)
	pace := h.newPace(ctx)
	tail := false // the next line is the end of one that was too long
	for {
		var line []byte
		err := h.limits.Wait(ctx, w, func(ctx context.Context) (err error) {
			line, err = r.ReadLine(ctx)
			return err
		})
		if err == nil || errors.Is(err, stream.ErrLimit) {
			flooding, lost := pace.wait(here)
			switch {
			case lost != nil:
				return ctx.Err() // or the connection is lost
			case flooding:
				// Of one who has gone the system may still keep megabytes, which are days of talk.
				why = "has sent too much for too long"
				w.Abort()
				return nil
			}
		}
		limit, tooLong := errors.AsType[*stream.LimitError](err)
		switch {
		case tooLong:
			if !tail {
				m.tell("* That is too long; nobody has seen it.")
			}
			tail = !limit.Found
			continue
		case errors.Is(err, context.Canceled):
			return err
		case errors.Is(err, context.DeadlineExceeded):
			why = "has said nothing for too long"
			return nil
		case err != nil: // the end of the stream, or of the connection
			return nil
		case tail:
			tail = false
			continue
		}
		text := plain(string(line))
		if quit, message := h.obey(m, text); quit {
			why = "has gone" + message
			return nil
		}
	}
}

// plain is what the others see of a line.
func plain(line string) string {
	line = strings.TrimRight(strings.ToValidUTF8(line, "?"), "\r\n")
	return strings.TrimSpace(cli.Printable(line))
}

// pace slows a member down that sends more than the rate. It is not read meanwhile: the network
// holds the rest back.
type pace struct {
	limiter *aiosync.RateLimiter
	clock   *aio.Loop
	quiet   time.Time // when no line had to wait last
	flood   time.Duration
}

func (h *hall) newPace(ctx context.Context) *pace {
	clock := aio.RunningLoop(ctx)
	limiter := aiosync.NewRateLimiter(burst, burst*time.Second/time.Duration(h.rate))
	return &pace{limiter, clock, clock.Time(), h.flood}
}

// wait waits until a line may be heard. It reports whether lines have had to wait for too long.
func (p *pace) wait(ctx context.Context) (flooding bool, err error) {
	began := p.clock.Time()
	if err := p.limiter.Acquire(ctx); err != nil {
		return false, err
	}
	now := p.clock.Time()
	if now.Sub(began) < time.Millisecond {
		p.quiet = now
	}
	return now.Sub(p.quiet) > p.flood, nil
}

// from says where a connection comes from. Those over a Unix socket have no address.
func from(w *stream.Writer) string {
	if addr := w.RemoteAddr(); addr != nil && addr.Network() == "tcp" {
		return addr.String()
	}
	return "this machine"
}
