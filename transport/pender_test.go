package transport

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/sys"
)

// buffering is a connection that takes all bytes at once and sends them from elsewhere. The
// sending fails just before the call number failAt of any method that could notice it.
type buffering struct {
	*fakeConn
	way    direction
	kept   int
	call   int
	failAt int
	err    error
}

func (c *buffering) direction() direction { return c.way }

// step is a moment at which the other goroutine may run.
func (c *buffering) step() {
	if c.call++; c.call == c.failAt {
		c.err = &os.PathError{Op: "write", Path: "fake", Err: sys.EPIPE}
		c.report(aio.Writable | aio.HangUp)
	}
}

func (c *buffering) TryWrite(p []byte) (int, error) {
	c.step()
	if c.err != nil {
		return 0, c.err
	}
	c.kept += len(p)
	return len(p), nil
}

func (c *buffering) Pending() int {
	c.step()
	if c.err != nil {
		return 0
	}
	return c.kept
}

func TestAFailureOfABufferingConnectionIsNotLostWheneverItHappensDuringAClose(t *testing.T) {
	for _, way := range []direction{sends, bothWays} {
		for failAt := 2; failAt <= 12; failAt++ {
			t.Run(fmt.Sprint(way, failAt), func(t *testing.T) {
				inLoop(t, nil, func(ctx context.Context, e *env) {
					p := &recorder{}
					c := &buffering{fakeConn: newFake(e), way: way, failAt: failAt}
					tr := newTransport(hubOf(e.loop), c, p, nil, nil)
					e.turn(ctx)
					tr.Write([]byte("x"))
					tr.Close()
					for c.err == nil {
						c.report(aio.Writable) // spurious, or of earlier bytes
						e.turn(ctx)
					}
					if err := p.awaitLost(ctx, e); !errors.Is(err, sys.EPIPE) {
						t.Errorf("lost with %v", err)
					}
				})
			})
		}
	}
}
