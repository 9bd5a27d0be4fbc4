package transport

import (
	"io"
	"log/slog"
	"sync/atomic"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/unclosed"
)

// UnclosedStatistics is the result of [Unclosed].
type UnclosedStatistics struct {
	Connections int // of Connect and Adopt, and of package stream
	Pipes       int // of package stream
	Endpoints   int
	Sockets     int // may be left to the loop, and are not reported
}

// Unclosed returns how many connections and pipes this process has opened and never closed. Of
// package stream it counts those that the garbage collector found. It also counts all that was
// still open when its loop closed. Connections that a server accepted are not counted: the server
// closes them. In debug mode each is reported to the exception handler, with the line that opened
// it.
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

// forget drops the line of x.
func (h *hub) forget(x any) { delete(h.sites, x) }

// leftOpen counts what the program has not closed before its loop. In debug mode it returns a
// function that reports it, to be called after the close, because the exception handler may end the
// goroutine.
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
	// Pipes of other packages belong to them: those of a process are closed with it.
	owner, isStream := t.application().(interface{ IsHandedOut() bool })
	switch {
	case t.server != nil || t.phase > mute:
	case isStream && !owner.IsHandedOut(), !isStream && t.way != bothWays:
	case t.way != bothWays:
		return t.hub.leftOpen(&unclosed.Pipes, "the pipe", t, slog.Any("pipe", t.LocalAddr()))
	default:
		return t.hub.leftOpen(&unclosed.Connections, "the connection", t,
			slog.Any("local", t.LocalAddr()), slog.Any("remote", t.RemoteAddr()))
	}
	return nothing
}

func (t *datagramTransport) leftOpen() (report func()) {
	if t.phase <= open {
		return t.hub.leftOpen(&unclosed.Endpoints, "the endpoint", t,
			slog.Any("local", t.LocalAddr()))
	}
	return nothing
}

// closeLeft closes a listener, a socket, or the connection below a transport.
func (h *hub) closeLeft(c io.Closer) {
	if _, ok := c.(*Socket); ok {
		unclosed.Sockets.Add(1)
	}
	c.Close()
}

// OpenedAt returns the line of the program that opened the connection, "main.go:12". Only debug
// mode knows it.
func (t *selectorTransport) OpenedAt() string { return t.hub.sites[t] }

// OpenedAt returns the OpenedAt of the raw transport.
func (t *tlsTransport) OpenedAt() string {
	if o, ok := t.raw.(interface{ OpenedAt() string }); ok {
		return o.OpenedAt()
	}
	return ""
}
