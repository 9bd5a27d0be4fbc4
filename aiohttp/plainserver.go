package aiohttp

import (
	"context"
	"errors"
	"net"
	"net/http"

	"github.com/aio-go/aio"
)

// plainServer is a [Server] that net/http runs, on its goroutines: for what only that has, TLS and
// HTTP/2 among it. Handlers run as under [OnLoop].
type plainServer struct {
	s        *Server
	listener net.Listener
}

func servePlain(s *Server, listener net.Listener) *plainServer {
	p := &plainServer{s: s, listener: limitListener(listener, s.on.limits)}
	serve := func() error { return s.http.Serve(p.listener) }
	if s.http.TLSConfig != nil {
		s.scheme = "https"
		serve = func() error { return s.http.ServeTLS(p.listener, "", "") }
	}
	s.loop.MayPost(1) // requests
	go func() {
		defer s.loop.MayPost(-1)
		err := serve()
		s.loop.CallSoonThreadsafe(func() {
			if !s.stopped && !errors.Is(err, http.ErrServerClosed) {
				s.failed.SetError(err)
			}
		})
	}()
	return p
}

func (p *plainServer) stop() {
	p.s.http.SetKeepAlivesEnabled(false)
	p.listener.Close()
}

func (p *plainServer) shutdown(ctx context.Context) error {
	for {
		if err := p.s.on.quiet(ctx); err != nil {
			return err
		}
		// All that came are answered. Some may be between a connection and a task yet; a connection
		// on which nothing ever came is not waited for.
		err := aio.Blocking(ctx, func(ctx context.Context) error {
			short, cancel := context.WithTimeout(lifetime{ctx}, moment)
			defer cancel()
			err := p.s.http.Shutdown(short)
			if short.Err() != nil || errors.Is(err, net.ErrClosed) { // closed by stop
				return nil
			}
			return err
		}, unbounded)
		if err != nil || p.s.on.active.Load() == 0 {
			return err
		}
	}
}

func (p *plainServer) close() {
	if p.s.scheme == "http" {
		p.s.http.Close()
	} else {
		go p.s.http.Close() // waits for peers that do not read
	}
}
