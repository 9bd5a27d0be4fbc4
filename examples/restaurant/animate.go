package main

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/examples/internal/clock"
)

// What is said to a terminal.
const (
	enterScreen = "\x1b[?1049h\x1b[?25l\x1b[2J" // another screen, no cursor, empty
	leaveScreen = "\x1b[0m\x1b[?25h\x1b[?1049l"
	topLeft     = "\x1b[H"
	restOfLine  = "\x1b[K"
)

// lastLook is how long the last picture can be looked at.
const lastLook = 4 * time.Second

// animate runs the evening on a screen. In any case it leaves the terminal as it was.
func (e *evening) animate(ctx context.Context, s settings, screen screen) error {
	h := newHouse(e, s.parties, clock.New(true), s.speed, ctx.Err)
	h.ofItsOwn = onThread
	colours := palette{}
	if screen.colours {
		colours = colourful
	}
	h.paint = func() { io.WriteString(screen.out, picture(h.frame(colours))) }
	io.WriteString(screen.out, enterScreen)
	defer io.WriteString(screen.out, leaveScreen) // also after a panic
	return aio.Run(ctx, h.onScreen, aio.WithClock(h.clock))
}

// onScreen serves, and draws the picture again and again meanwhile. While the loop is held this
// task cannot draw either; hands does it then.
func (h *house) onScreen(ctx context.Context) error {
	return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
		g.Go(func(ctx context.Context) error {
			for {
				h.paint()
				if err := aio.Sleep(ctx, refresh); err != nil {
					return err
				}
			}
		}, aio.Name("painter"))
		defer g.Cancel(errClosed)
		if err := h.serve(ctx); err != nil {
			return err
		}
		h.paint()
		return h.sleep(ctx, lastLook)
	})
}

// picture puts a frame over the one before, in one write.
func picture(lines []string) string {
	return topLeft + strings.Join(lines, restOfLine+"\r\n") + restOfLine
}
