package aiohttp

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/aio-go/aio"
)

// Servers that end connections at any moment leave nothing in the client's lists.
func TestConnectionsThatHaveEndedAreForgotten(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for n := 0; ; n++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if n%3 > 0 { // wait for a request, and perhaps answer
				in := bufio.NewReader(conn)
				if _, err := http.ReadRequest(in); err == nil && n%3 == 2 {
					io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				}
			}
			conn.(*net.TCPConn).SetLinger(0)
			conn.Close()
		}
	}()
	err = aio.Run(t.Context(), func(ctx context.Context) error {
		var c Client
		defer c.Close()
		answers := 0
		for range 200 {
			if r, err := c.Get(ctx, "http://"+l.Addr().String()); err == nil {
				answers++
				r.Close()
			}
		}
		if answers == 0 {
			t.Error("no request was answered")
		}
		for len(c.native.all) > 0 && !t.Failed() { // the last one may not have heard of its end
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			for conn := range c.native.all {
				if !conn.isIdle() && conn.lost == nil {
					t.Errorf("%v is neither idle nor lost", conn)
				}
			}
			c.native.CloseIdleConnections()
		}
		if n := len(c.native.sites); n > 0 {
			t.Errorf("%d sites are remembered", n)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	l.Close()
	<-ended
}

// A client that asks many hosts, once each, remembers those alone with which it has connections.
func TestHostsWithoutConnectionsAreForgotten(t *testing.T) {
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		c := Client{Limit: 3}
		defer c.Close()
		for range 10 {
			s, err := Serve(ctx, "tcp", "127.0.0.1:0", http.NotFoundHandler())
			if err != nil {
				return err
			}
			defer s.Close()
			r, err := c.Get(ctx, s.URL())
			if err != nil {
				return err
			}
			if _, err := r.Bytes(ctx); err != nil {
				return err
			}
		}
		for len(c.native.all) > 3 { // their ends are on their way
			if err := aio.Yield(ctx); err != nil {
				return err
			}
		}
		if n := len(c.native.sites); n != 3 || c.native.idleNow != 3 {
			t.Errorf("%d sites, %d idle connections, want 3 of each", n, c.native.idleNow)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
