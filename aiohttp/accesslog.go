package aiohttp

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/aio-go/aio/internal/safetext"
)

// AccessLog is a setting for [Serve]: it logs each answer to l at level Info, as "request". The
// attributes are method, path, proto, status (0: none was sent), bytes (of the body, as the handler
// wrote it), duration and remote. l is called on the loop; a handler of l that may block should
// write to a buffer. Default: no log. It panics if l is nil.
func AccessLog(l *slog.Logger) func(*http.Server) {
	if l == nil {
		panic("aiohttp: AccessLog: the logger is nil; " +
			"leave the setting out, or pass slog.Default()")
	}
	return func(s *http.Server) { limitsOf(s, "AccessLog").accessLog = l }
}

func (s *Server) logAccess(w *reply) {
	l := s.on.limits.accessLog
	if l == nil {
		return
	}
	w.mu.Lock()
	status, size := w.status, w.accepted
	w.mu.Unlock()
	logAccess(w.ctx, l, w.req, status, size, s.loop.Time().Sub(w.began))
}

// logAccess is called on a goroutine of net/http, when everything has been sent.
func (x *exchange) logAccess() {
	l, w, loop := x.on.limits.accessLog, x.task, x.on.loop
	if l == nil || w == nil {
		return
	}
	w.mu.Lock()
	status, size := w.status, w.accepted
	w.mu.Unlock()
	loop.CallSoonThreadsafe(func() {
		logAccess(w.ctx, l, x.r, status, size, loop.Time().Sub(x.began))
	})
}

func logAccess(
	ctx context.Context, l *slog.Logger, r *http.Request, status int, size int64, d time.Duration,
) {
	l.LogAttrs(context.WithoutCancel(ctx), slog.LevelInfo, "request",
		slog.String("method", safetext.Line(r.Method)),
		slog.String("path", safetext.Line(r.URL.Path)),
		slog.String("proto", r.Proto), slog.Int("status", status), slog.Int64("bytes", size),
		slog.Duration("duration", d), slog.String("remote", r.RemoteAddr))
}
