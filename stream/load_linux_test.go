package stream_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/leaktest"
	"github.com/aio-go/aio/internal/tlstest"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

func TestLoadKeyUpdates(t *testing.T) {
	const peers = 3
	a := tlstest.New(t)
	for _, reads := range []bool{false, true} {
		rounds := 500 // of 16 key updates
		if !reads {
			rounds = 800 // more answers than the system takes
		}
		if leaktest.RaceDetector {
			rounds /= 2
		}
		t.Run(fmt.Sprintf("answers are read %v", reads), func(t *testing.T) {
			var writers []*stream.Writer
			finished := 0
			handler := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
				writers = append(writers, w)
				r.ReadExactly(ctx, rounds)
				finished++
				r.ReadAll(ctx) // until it ends in some way
				return nil
			}
			run(t, func(ctx context.Context) {
				server, err := stream.AdoptListener(ctx, narrow(t), handler, transport.TLS(a.Server()))
				ok(t, err)
				defer server.Close()
				floods := make([]keyUpdates, peers)
				peer(ctx, t, func() error {
					return atOnce(peers, func(i int) error {
						return floods[i].prepare(t, a, server.Addrs()[0].String(), rounds, reads)
					})
				})
				if floods[0].records == nil {
					t.Skip("the peers agreed on a cipher whose records are not forged")
				}
				over := make(chan struct{})
				watch := aio.Start(ctx, func(ctx context.Context) error { // all was taken, or nothing more is
					for finished+held(writers) < peers {
						if err := aio.Sleep(ctx, time.Millisecond); err != nil {
							return err
						}
					}
					close(over)
					return nil
				})
				s := underAttack(ctx, t, &writers, func() (func(), error) {
					for _, k := range floods {
						go k.conn.Write(k.records) // both end with the connection
						if reads {
							go io.Copy(io.Discard, k.conn)
						}
					}
					<-over
					return func() {
						for _, k := range floods {
							k.conn.Close()
						}
					}, nil
				})
				watch.Await(ctx)
				s.print(t, peers)
				// High limit, the answers owed above it, and what one read of crypto/tls has
				// answered.
				if s.wrote > 64<<10+16<<10+1<<10 {
					t.Errorf("%d bytes were kept in one write buffer", s.wrote)
				}
				server.AbortClients()
				server.Close()
				ok(t, server.WaitClosed(ctx))
			})
		})
	}
}

// narrow returns a listener for whose connections the system buffers few bytes.
func narrow(t *testing.T) net.Listener {
	t.Helper()
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) {
			syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_SNDBUF, 4096)
		})
	}}
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	ok(t, err)
	return ln
}

// held counts the connections whose buffer is as good as full.
func held(writers []*stream.Writer) (n int) {
	for _, w := range writers {
		if w.Transport().WriteBufferSize() > 60<<10 {
			n++
		}
	}
	return n
}

// keyUpdates is one peer and what it is going to send.
type keyUpdates struct {
	conn    *net.TCPConn
	records []byte
}

func (k *keyUpdates) prepare(
	t *testing.T, a *tlstest.Authority, address string, rounds int, reads bool,
) (err error) {
	if k.conn, err = reach(address); err != nil {
		return err
	}
	if !reads {
		k.conn.SetReadBuffer(4096)
	}
	var keys bytes.Buffer
	cfg := clientOf(a)
	cfg.KeyLogWriter = &keys
	c := tls.Client(k.conn, cfg)
	if err := c.Handshake(); err != nil {
		return err
	}
	if c.ConnectionState().CipherSuite == tls.TLS_AES_128_GCM_SHA256 {
		k.records = tlstest.NewForger(t, keys.String()).Flood(rounds, true)
	}
	return nil
}
