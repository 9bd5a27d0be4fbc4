// Package limits bounds what strangers may take of a server.
package limits

import (
	"context"
	"flag"
	"fmt"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/stream"
)

// Limits are those of one server. It belongs to the loop.
type Limits struct {
	Connections int // how many there may be; further ones are closed at once
	// how long a connection may wait for the other side, to send or to take something
	Idle time.Duration

	now int
}

// Default is the default of a server's limits.
func Default() Limits { return Limits{Connections: 1000, Idle: 5 * time.Minute} }

// Help describes the flags, with the default limits.
const Help = `    -connections N  serve at most N connections; further ones are closed at once (default 1000)
    -idle TIME      close a connection whose other side neither sends nor takes anything for that long
                    (default 5m)
`

// Flags adds the flags -connections and -idle, whose defaults are the limits.
func (l *Limits) Flags(flags *flag.FlagSet) {
	flags.IntVar(&l.Connections, "connections", l.Connections, "")
	flags.DurationVar(&l.Idle, "idle", l.Idle, "")
}

// Check describes what is wrong with the flags.
func (l *Limits) Check() error {
	switch {
	case l.Connections < 1:
		return fmt.Errorf("-connections is %d; it must be at least 1", l.Connections)
	case l.Idle <= 0:
		return fmt.Errorf("-idle is %v; it must be more than 0", l.Idle)
	}
	return nil
}

// Enter counts a connection. It reports whether there is room for it; if so, Leave has to follow.
func (l *Limits) Enter() bool {
	if l.now >= l.Connections {
		return false
	}
	l.now++
	return true
}

// Leave says that a connection has ended.
func (l *Limits) Leave() { l.now-- }

// Handler is a handler for at most the allowed number of connections. One that fails because of
// Idle is closed without a report.
func (l *Limits) Handler(h stream.Handler) stream.Handler {
	return func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
		if !l.Enter() {
			w.Abort()
			return nil
		}
		defer l.Leave()
		return h(ctx, r, w)
	}
}

// Wait calls something that waits for the other side, for as long as it may take. After that w is
// aborted and the error matches [context.DeadlineExceeded].
func (l *Limits) Wait(
	ctx context.Context, w *stream.Writer, fn func(ctx context.Context) error,
) error {
	err := aio.Timeout(ctx, l.Idle, fn)
	if _, late := err.(*aio.TimeoutError); late {
		w.Abort()
	}
	return err
}
