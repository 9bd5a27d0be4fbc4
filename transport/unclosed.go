package transport

import (
	"io"
	"log/slog"
	"sync/atomic"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/unclosed"
)

// UnclosedStatistics is what [Unclosed] returns.
type UnclosedStatistics struct {
	Connections int // of Connect and Adopt, and of package stream
	Pipes       int // of package stream
	Endpoints   int
	Sockets     int // which may be left to the loop, and are not reported
}

// Unclosed returns how much this process has opened so far and never closed: connections and pipes of package stream that the
// garbage collector found, and all that was open when its loop was closed, which closed it. What a server accepted is not
// counted, that is the server's to close. In debug mode each is reported to the exception handler, with the line that opened it.
//
// It may be called on any goroutine.
func Unclosed() UnclosedStatistics {
	return UnclosedStatistics{
		Connections: int(unclosed.Connections.Load()),
		Pipes:       int(unclosed.Pipes.Load()),
		Endpoints:   int(unclosed.Endpoints.Load()),
		Sockets:     int(unclosed.Sockets.Load()),
	}
}

// opened notes, in debug mode, which line of the program opened x.
func (h *hub) opened(x any) {
	if !h.loop.Debug() {
		return
	}
	if h.sites == nil {
		h.sites = make(map[any]string)
	}
	h.sites[x] = unclosed.Site()
}

// forget drops the note about x.
func (h *hub) forget(x any) { delete(h.sites, x) }

// leftOpen counts what the program has not closed before its loop. It returns what reports that, in debug mode, once it is closed:
// the exception handler may end the goroutine.
func (h *hub) leftOpen(kind *atomic.Int64, what string, x any, about ...slog.Attr) (report func()) {
	kind.Add(1)
	if !h.loop.Debug() {
		return nothing
	}
	if site := h.sites[x]; site != "" {
		about = append(about, slog.String("opened", site))
	}
	return func() {
		h.loop.CallExceptionHandler(aio.Report{
			Message: "transport: the loop was closed before " + what + ". Close it in a defer",
			Warning: true,
			Attrs:   about,
		})
	}
}

func nothing() {}

// leftOpen is called when the loop closes a connection.
func (t *selectorTransport) leftOpen() (report func()) {
	// Pipes of other packages belong to them: those of a process go with it.
	owner, isStream := t.application().(interface{ IsHandedOut() bool })
	switch {
	case t.server != nil || t.phase > mute:
	case isStream && !owner.IsHandedOut(), !isStream && t.way != bothWays:
	case t.way != bothWays:
		return t.hub.leftOpen(&unclosed.Pipes, "the pipe", t, slog.Any("pipe", t.LocalAddr()))
	default:
		return t.hub.leftOpen(&unclosed.Connections, "the connection", t, slog.Any("local", t.LocalAddr()), slog.Any("remote", t.RemoteAddr()))
	}
	return nothing
}

func (t *datagramTransport) leftOpen() (report func()) {
	if t.phase <= open {
		return t.hub.leftOpen(&unclosed.Endpoints, "the endpoint", t, slog.Any("local", t.LocalAddr()))
	}
	return nothing
}

// closeLeft closes a listener, a socket, or what carries a connection.
func (h *hub) closeLeft(c io.Closer) {
	if _, ok := c.(*Socket); ok {
		unclosed.Sockets.Add(1)
	}
	c.Close()
}

// OpenedAt returns the line of the program that opened the connection, "main.go:12", in debug mode.
func (t *selectorTransport) OpenedAt() string { return t.hub.sites[t] }

// OpenedAt is that of the raw transport.
func (t *tlsTransport) OpenedAt() string {
	if o, ok := t.raw.(interface{ OpenedAt() string }); ok {
		return o.OpenedAt()
	}
	return ""
}
