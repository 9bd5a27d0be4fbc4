package aiohttp

import (
	"context"
	"net"
	"net/http"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/errtree"
)

// plainServer is a server of net/http, on its goroutines, for HTTP/2 and some hooks, which only
// net/http has. Handlers run as under [OnLoop].
type plainServer struct {
	s        *Server
	on       *onLoop // counts the requests
	http     *http.Server
	listener net.Listener
}

// servePlain has net/http do all that comes to a listener.
func servePlain(s *Server, listener net.Listener) *plainServer {
	p := &plainServer{s: s, on: s.on, http: s.http, listener: limitListener(listener, s.on.limits)}
	serve := func() error { return s.http.Serve(p.listener) }
	if s.http.TLSConfig != nil {
		serve = func() error { return s.http.ServeTLS(p.listener, "", "") }
	}
	p.serve(serve)
	return p
}

func (p *plainServer) serve(serve func() error) {
	p.s.loop.MayPost(1) // requests
	go func() {
		defer p.s.loop.MayPost(-1)
		err := serve()
		p.s.loop.CallSoonThreadsafe(func() {
			if !p.s.stopped {
				p.s.endsWith(err)
			}
		})
	}()
}

func (p *plainServer) stop() {
	p.http.SetKeepAlivesEnabled(false)
	p.listener.Close()
}

func (p *plainServer) shutdown(ctx context.Context) error {
	for {
		if err := p.on.quiet(ctx); err != nil {
			return err
		}
		// All requests that came are answered. A few may still be between a connection and a task.
		// A connection without a request is not waited for.
		err := aio.Blocking(ctx, func(ctx context.Context) error {
			short, cancel := context.WithTimeout(lifetime{ctx}, moment)
			defer cancel()
			err := p.http.Shutdown(short)
			if short.Err() != nil || errtree.Is(err, net.ErrClosed) { // closed by stop
				return nil
			}
			return err
		}, unbounded)
		if err != nil || p.on.active.Load() == 0 {
			return err
		}
	}
}

func (p *plainServer) close() {
	if p.s.scheme == "http" {
		p.http.Close()
	} else {
		go p.http.Close() // it waits for peers that do not read
	}
}
