package stream_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/tlstest"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// batch keeps written bytes, if it is told to.
type batch struct {
	net.Conn
	collect bool
	data    []byte
}

func (b *batch) Write(p []byte) (int, error) {
	if !b.collect {
		return b.Conn.Write(p)
	}
	b.data = append(b.data, p...)
	return len(p), nil
}

// SetWriteDeadline is how crypto/tls ends the writing half for good, which is to come later.
func (b *batch) SetWriteDeadline(time.Time) error { return nil }

// The last words of a peer over TLS are read after a write that failed, whatever end the peer made
// of it, and however many passes it takes to decrypt them.
func TestWhatATLSPeerSaidLastIsReadAfterAWriteThatFailed(t *testing.T) {
	a := tlstest.New(t)
	for name, c := range map[string]struct {
		say     func(c *tls.Conn)
		orderly bool
	}{
		"a line, close_notify": {func(c *tls.Conn) {
			io.WriteString(c, "421 goodbye\n")
			c.CloseWrite()
		}, true},
		"a line, no close_notify": {func(c *tls.Conn) { io.WriteString(c, "421 goodbye\n") }, false},
		"many records": {func(c *tls.Conn) {
			for _, b := range []byte("421 " + string(make([]byte, 500)) + " goodbye") {
				c.Write([]byte{b})
			}
			io.WriteString(c, "\n")
			c.CloseWrite()
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, run func(func(ctx context.Context))) {
				ln, err := net.Listen("tcp", "127.0.0.1:0")
				ok(t, err)
				defer ln.Close()
				shaken, left := make(chan struct{}), make(chan struct{})
				go func() {
					defer close(left)
					raw, err := ln.Accept()
					if err != nil {
						return
					}
					defer raw.Close()
					whole := &batch{Conn: raw}
					peer := tls.Server(whole, a.Server())
					if peer.Handshake() != nil {
						return
					}
					<-shaken
					whole.collect = true // what the system has not sent yet is lost with the first answer
					c.say(peer)
					raw.Write(whole.data)
				}()
				run(func(ctx context.Context) {
					r, w, err := stream.Open(ctx, "tcp", ln.Addr().String(), transport.TLS(a.Client()),
						transport.ServerName("localhost"))
					ok(t, err)
					defer w.Close()
					close(shaken)
					i := 0
					standStill(t, left) // nothing of it has been received
					for err == nil {
						if _, err = w.WriteString("hello?\n"); err == nil && i > 3 {
							ok(t, aio.Yield(ctx))
						}
						i++
					}
					line, err := r.ReadLine(ctx)
					if err != nil || string(line[:4]) != "421 " || string(line[len(line)-8:]) != "goodbye\n" {
						t.Errorf("read %q, %v", line, err)
					}
					_, err = r.ReadLine(ctx)
					switch {
					case c.orderly && err == io.EOF, !c.orderly && (errors.Is(err, transport.ErrTruncated) ||
						gone(err)):
					default:
						t.Errorf("after the line: %v", err)
					}
					// With goroutines in between the end of the peer may be seen first, which is
					// one in order.
					if err := w.WaitClosed(ctx); err == nil && strings.HasSuffix(t.Name(), "native") {
						t.Error("WaitClosed does not tell that a write has failed")
					}
				})
			})
		})
	}
}
