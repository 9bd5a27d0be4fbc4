package stream_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/leaktest"
	"github.com/aio-go/aio/internal/tlstest"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// Peers that cost much. Each test prints the longest delay of another task and the memory of a
// connection, which are to be at most 20 ms and 1 MB on a machine that does nothing else. What a
// test asserts holds on any.

// strain is what an attack has done to the others.
type strain struct {
	late   time.Duration // the longest delay of a task that sleeps for a millisecond at a time
	memory int           // bytes in use of heap and stacks, above those before
	wrote  int           // the most bytes in the write buffer of one connection
}

// underAttack runs attack, on a goroutine, and measures meanwhile; the memory at its height, when
// attack has returned and before its end is called.
func underAttack(
	ctx context.Context,
	t *testing.T,
	writers *[]*stream.Writer,
	attack func() (end func(), err error),
) (s strain) {
	t.Helper()
	before := live()
	watch := aio.Start(ctx, func(ctx context.Context) error {
		for {
			begin := time.Now()
			if err := aio.Sleep(ctx, time.Millisecond); err != nil {
				return err
			}
			s.late = max(s.late, time.Since(begin)-time.Millisecond)
			for _, w := range *writers {
				s.wrote = max(s.wrote, w.Transport().WriteBufferSize())
			}
		}
	})
	peer(ctx, t, func() error {
		end, err := attack()
		s.memory = live() - before
		end()
		return err
	})
	watch.Cancel(nil)
	watch.Await(ctx)
	return s
}

// live returns the bytes in use of heap and stacks.
func live() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc + m.StackInuse)
}

func (s strain) print(t *testing.T, connections int) {
	t.Helper()
	t.Logf("longest delay of another task %v; memory %d KiB, %d KiB a connection; "+
		"write buffer at most %d KiB",
		s.late.Round(10*time.Microsecond), s.memory>>10, s.memory>>10/connections, s.wrote>>10)
}

// swallow reads and forgets, and keeps its writer in writers.
func swallow(writers *[]*stream.Writer) stream.Handler {
	return func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
		*writers = append(*writers, w)
		p := make([]byte, 4096)
		for {
			if _, err := r.Read(ctx, p); err != nil {
				return nil // the peers here end as they like
			}
		}
	}
}

// atOnce runs fn n times side by side.
func atOnce(n int, fn func(i int) error) error {
	errs := make(chan error, n)
	for i := range n {
		go func() { errs <- fn(i) }()
	}
	var all []error
	for range n {
		all = append(all, <-errs)
	}
	return errors.Join(all...)
}

func TestLoadHandshakes(t *testing.T) {
	peers := 400
	if leaktest.RaceDetector {
		peers = 40
	}
	a := tlstest.New(t)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	ok(t, err)
	slow := &tls.Config{Certificates: []tls.Certificate{a.CertificateFor(key, "localhost")}}
	for name, cfg := range map[string]*tls.Config{
		"ECDSA P-256":      a.Server(),
		"RSA of 2048 bits": slow,
	} {
		t.Run(name, func(t *testing.T) {
			var none []*stream.Writer
			run(t, func(ctx context.Context) {
				server, err := stream.Serve(ctx, "tcp", "127.0.0.1:0", swallow(&none), transport.TLS(cfg))
				ok(t, err)
				defer server.Close()
				address := server.Addrs()[0].String()
				var hello []byte
				peer(ctx, t, func() (err error) {
					hello, err = captureHello(clientOf(a))
					return err
				})
				begin := time.Now()
				s := underAttack(ctx, t, &none, func() (func(), error) {
					var conns []*net.TCPConn
					end := func() {
						for _, c := range conns {
							c.Close()
						}
					}
					for range peers {
						c, err := reach(address)
						if err != nil {
							return end, err
						}
						conns = append(conns, c)
						if _, err := c.Write(hello); err != nil {
							return end, err
						}
					}
					for _, c := range conns { // every connection gets the server's answer
						if _, err := io.ReadFull(c, make([]byte, 500)); err != nil {
							return end, err
						}
					}
					return end, nil
				})
				s.print(t, peers)
				t.Logf("%d answers in %v", peers, time.Since(begin).Round(time.Millisecond))
				server.AbortClients()
				server.Close()
				ok(t, server.WaitClosed(ctx))
			})
		})
	}
}

// captureHello returns the first bytes a client sends.
func captureHello(cfg *tls.Config) ([]byte, error) {
	client, server := net.Pipe()
	defer server.Close()
	go func() {
		tls.Client(client, cfg).Handshake()
		client.Close()
	}()
	hello := make([]byte, 16<<10)
	n, err := server.Read(hello)
	return hello[:n], err
}

func TestLoadSlowReaders(t *testing.T) {
	const peers = 30
	var writers []*stream.Writer
	data := make([]byte, 64<<10)
	handler := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
		writers = append(writers, w)
		err := aio.Timeout(ctx, 200*time.Millisecond, func(ctx context.Context) error {
			for {
				w.Write(data)
				if err := w.Drain(ctx); err != nil {
					return err
				}
				if err := aio.Yield(ctx); err != nil { // Drain does not as long as there is room
					return err
				}
			}
		})
		if errors.Is(err, context.DeadlineExceeded) {
			return nil // the buffer is full, and the peer does not read
		}
		return err
	}
	run(t, func(ctx context.Context) {
		server, err := stream.Serve(ctx, "tcp", "127.0.0.1:0", handler,
			transport.ShutdownTimeout(100*time.Millisecond))
		ok(t, err)
		defer server.Close()
		var left atomic.Int32
		ended := make(chan struct{})
		watch := aio.Start(ctx, func(ctx context.Context) error {
			for st := server.Statistics(); st.Accepted < peers || st.Active > 0; st = server.Statistics() {
				left.Store(int32(st.Active))
				if err := aio.Sleep(ctx, time.Millisecond); err != nil {
					return err
				}
			}
			close(ended)
			return nil
		})
		s := underAttack(ctx, t, &writers, func() (func(), error) {
			var conns []*net.TCPConn
			end := func() {
				for _, c := range conns {
					c.Close()
				}
			}
			for range peers {
				c, err := reach(server.Addrs()[0].String())
				if err != nil {
					return end, err
				}
				conns = append(conns, c)
			}
			select { // until the server has ended them all
			case <-ended:
				return end, nil
			case <-time.After(patience / 2):
				return end, fmt.Errorf("%d of %d connections are left", left.Load(), peers)
			}
		})
		s.print(t, peers)
		watch.Cancel(nil)
		server.Close()
		ok(t, server.WaitClosed(ctx))
	})
}

// Thousands of peers that begin a handshake in some way and drop it in another.
func TestThousandsOfHandshakesAreDropped(t *testing.T) {
	total := 10_000
	if testing.Short() || leaktest.RaceDetector {
		total = 1000
	}
	a := tlstest.New(t)
	hello, err := captureHello(clientOf(a))
	ok(t, err)
	begins := [][]byte{nil, hello[:1], hello[:len(hello)/2], hello, []byte("GET / HTTP/1.1\r\n\r\n"),
		append(bytes.Clone(hello), "\x17\x03\x03\x00\x01x"...)}
	withServer(t, shout, func(t *testing.T, ctx context.Context, address string) {
		const peers = 20
		peer(ctx, t, func() error {
			return atOnce(peers, func(int) error {
				for i := range total / peers {
					c, err := reach(address)
					if err != nil {
						return err
					}
					c.Write(begins[i%len(begins)]) // the server may have had enough
					switch {
					case i%40 == 0:
						c.CloseWrite()
						io.Copy(io.Discard, c)
					case i%7 != 0:
						c.SetLinger(0) // a reset; a close in order would keep the port busy for a minute
					}
					c.Close()
				}
				return nil
			})
		})
		peer(ctx, t, func() error {
			c, err := tls.Dial("tcp", address, clientOf(a))
			if err != nil {
				return err
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(patience))
			io.WriteString(c, "hello\n")
			answer := make([]byte, 6)
			if _, err := io.ReadFull(c, answer); err != nil || string(answer) != "HELLO\n" {
				return fmt.Errorf("an honest peer got %q, %w", answer, err)
			}
			return nil
		})
	}, transport.TLS(a.Server()))
}
