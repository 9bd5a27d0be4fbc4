package aiohttp

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/simnet"
)

// Direct returns a transport with which the requests of a [Client] go to h without any network:
// they are served as under [Serve], in tasks of the client's loop, over connections in memory and
// without limits of time. It is for tests. All waiting is by the loop's clock then, so that under a
// virtual one slow servers take no time and every run is the same. Both directions are open, as
// with EnableFullDuplex of [http.ResponseController]: h may answer before it has read the request's
// body. Another user than a [Client] gets an error.
func Direct(h http.Handler) http.RoundTripper {
	if h == nil {
		panic("aiohttp: Direct: the handler is nil; pass one")
	}
	return &direct{h}
}

type direct struct{ h http.Handler }

func (*direct) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("aiohttp: Direct is a transport for an aiohttp.Client only")
}

// newDirectServer makes a server for connections in memory.
func newDirectServer(loop *aio.Loop, h http.Handler) *Server {
	s := newServer(loop, h, nil)
	s.http.ReadHeaderTimeout, s.http.IdleTimeout, s.http.MaxHeaderBytes = -1, -1, 0
	s.on.limits.progress = 0
	s.fullDuplex = true
	s.listener = directAddr{}
	s.memory = simnet.NewPlain()
	s.memory.Net.Window = inMemory
	s.forget = [2]func(){func() {}, func() {}}
	s.setHandler()
	s.setValues(nil)
	return s
}

// connect makes a connection to the server; u says whether it is to look like a secure one.
func (s *Server) connect(ctx context.Context, u *url.URL, c *clientConn) error {
	client, server := s.memory.Pair(s.loop, directAddr{}, directAddr{})
	end := &serverConn{s: s}
	if strings.EqualFold(u.Scheme, "https") {
		end.tls = &tls.ConnectionState{
			Version: tls.VersionTLS13, HandshakeComplete: true, ServerName: u.Hostname(),
		}
	}
	if err := connectOver(ctx, server, end); err != nil {
		client.Close()
		return err
	}
	end.t.SetWriteBufferLimits(inMemory, inMemory/4)
	if err := connectOver(ctx, client, c); err != nil {
		client.Close()
		return err
	}
	return nil
}
