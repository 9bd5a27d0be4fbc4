package stream_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/leaktest"
	"github.com/aio-go/aio/internal/tlstest"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// Peers that mean no good, or do not know better: whatever they do, the others are served, nothing
// is reported, and no task, goroutine or descriptor is left.

// withServer serves handler on both networks, one after the other, and calls main with the server's
// address. main's end closes the server; a connection that is left then fails the test.
func withServer(
	t *testing.T,
	handler stream.Handler,
	main func(t *testing.T, ctx context.Context, address string),
	opts ...transport.Option,
) {
	onBoth(t, func(t *testing.T, run func(main func(ctx context.Context))) {
		goroutines, fds := runtime.NumGoroutine(), leaktest.Descriptors()
		run(func(ctx context.Context) {
			server, err := stream.Serve(ctx, "tcp", "127.0.0.1:0", handler, opts...)
			ok(t, err)
			defer server.AbortClients()
			defer server.Close()
			main(t, context.WithValue(ctx, serverKey{}, server), server.Addrs()[0].String())
			server.Close()
			ok(t, server.WaitClosed(ctx))
			yields(ctx, 5) // for the tasks of the last connections
			if tasks := aio.AllTasks(ctx); len(tasks) != 1 {
				t.Errorf("%d tasks are left, want the main task alone: %v", len(tasks), tasks)
			}
		})
		deadline := time.Now().Add(10 * time.Second)
		for (runtime.NumGoroutine() > goroutines ||
			leaktest.Descriptors() > fds) && time.Now().Before(deadline) {
			time.Sleep(time.Millisecond) // connections that were told to end need a moment
		}
		if g, d := runtime.NumGoroutine(), leaktest.Descriptors(); g > goroutines || d > fds {
			t.Errorf("%d goroutines and %d descriptors, before it were %d and %d", g, d, goroutines, fds)
		}
	})
}

type serverKey struct{}

// serverOf returns the server that withServer has made.
func serverOf(ctx context.Context) *stream.Server { return ctx.Value(serverKey{}).(*stream.Server) }

// peer runs fn, which uses package net, beside the loop and waits for it.
func peer(ctx context.Context, t *testing.T, fn func() error) {
	t.Helper()
	if err := aio.Blocking(ctx, func(context.Context) error { return fn() }); err != nil {
		t.Error(err)
	}
}

// shout answers each line in capitals. That the peer breaks off is none of its concern.
func shout(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
	for line, err := range r.Lines(ctx) {
		if err != nil {
			return onlyCancelled(err)
		}
		w.Write(bytes.ToUpper(line))
		if err := w.Drain(ctx); err != nil {
			return onlyCancelled(err)
		}
	}
	return nil
}

func onlyCancelled(err error) error {
	if errors.Is(err, aio.ErrCancelled) {
		return err
	}
	return nil
}

// reach connects and bounds everything that happens on the connection.
func reach(address string) (*net.TCPConn, error) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	c.SetDeadline(time.Now().Add(patience))
	return c.(*net.TCPConn), nil
}

// talk sends text on a connection of its own and returns the answer up to the end.
func talk(address, text string) (string, error) {
	c, err := reach(address)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if _, err := io.WriteString(c, text); err != nil {
		return "", err
	}
	c.CloseWrite()
	answer, err := io.ReadAll(c)
	return string(answer), err
}

// isServed checks that an honest peer gets its answer.
func isServed(address string) error {
	if answer, err := talk(address, "hello\nworld"); err != nil || answer != "HELLO\nWORLD" {
		return fmt.Errorf("an honest peer got %q, %w", answer, err)
	}
	return nil
}

func TestPeersThatSendOneByteAtATime(t *testing.T) {
	withServer(t, shout, func(t *testing.T, ctx context.Context, address string) {
		const peers = 20
		text := strings.Repeat("drip\n", 20)
		peer(ctx, t, func() error {
			errs := make(chan error, peers)
			for range peers {
				go func() {
					c, err := reach(address)
					if err != nil {
						errs <- err
						return
					}
					defer c.Close()
					var answer bytes.Buffer
					for _, b := range []byte(text) {
						c.Write([]byte{b})
						if b == '\n' { // and one at a time back
							for range "DRIP\n" {
								p := make([]byte, 1)
								io.ReadFull(c, p)
								answer.Write(p)
							}
						}
					}
					if answer.String() != strings.ToUpper(text) {
						err = fmt.Errorf("the answer is %q", answer.String())
					}
					errs <- err
				}()
			}
			var all []error
			for range peers {
				all = append(all, <-errs)
			}
			return errors.Join(all...)
		})
	})
}

func TestAPeerThatNeverReadsIsHeldBackAndCutOff(t *testing.T) {
	const chunk = 64 << 10
	cut := make(chan int, 1)
	flood := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
		line, err := r.ReadLine(ctx)
		if err != nil || string(line) != "flood\n" {
			w.Write(bytes.ToUpper(line))
			return shout(ctx, r, w)
		}
		data, most := make([]byte, chunk), 0
		err = aio.Timeout(ctx, 200*time.Millisecond, func(ctx context.Context) error {
			for {
				w.Write(data)
				most = max(most, w.Transport().WriteBufferSize())
				if err := w.Drain(ctx); err != nil {
					return err
				}
			}
		})
		w.Abort()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the flood ended with %v", err)
		}
		cut <- most
		return nil
	}
	withServer(t, flood, func(t *testing.T, ctx context.Context, address string) {
		peer(ctx, t, func() error {
			c, err := reach(address)
			if err != nil {
				return err
			}
			defer c.Close()
			io.WriteString(c, "flood\n")
			if err := isServed(address); err != nil { // meanwhile
				return err
			}
			if most := <-cut; most > 3*chunk {
				t.Errorf("%d bytes were buffered for it", most)
			}
			return nil
		})
	})
}

func TestPeersThatStayHalfOpen(t *testing.T) {
	slow := make(chan error, 2)
	handler := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
		line, err := aio.WaitFor(ctx, 200*time.Millisecond, r.ReadLine)
		if err != nil {
			slow <- err
			return nil
		}
		w.Write(bytes.ToUpper(line))
		return shout(ctx, r, w)
	}
	withServer(t, handler, func(t *testing.T, ctx context.Context, address string) {
		peer(ctx, t, func() error {
			for _, text := range []string{"", "half a li"} { // and never more
				c, err := reach(address)
				if err != nil {
					return err
				}
				defer c.Close()
				io.WriteString(c, text)
			}
			if err := isServed(address); err != nil {
				return err
			}
			for range 2 {
				if err := <-slow; !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("the server waited until %v", err)
				}
			}
			return nil
		})
	})
}

// A conversation of three questions is cut by a reset after each byte sent and each answer read.
func TestResetsAtEveryPointOfAConversation(t *testing.T) {
	withServer(t, shout, func(t *testing.T, ctx context.Context, address string) {
		const questions = "a\nbc\n\nlast"
		peer(ctx, t, func() error {
			for sent := range len(questions) + 1 {
				for read := 0; read <= strings.LastIndex(questions[:sent], "\n")+1; read++ {
					c, err := reach(address)
					if err != nil {
						return err
					}
					c.SetLinger(0)
					io.WriteString(c, questions[:sent])
					if sent == len(questions) && read%2 == 0 {
						c.CloseWrite() // a reset may come after the end, too
					}
					_, err = io.ReadFull(c, make([]byte, read))
					c.Close()
					if err != nil {
						return fmt.Errorf("%d bytes sent, %d read: %w", sent, read, err)
					}
				}
			}
			return isServed(address)
		})
	})
}

func TestLinesThatAreTooLongTakeNoMemory(t *testing.T) {
	const limit, size = 1 << 10, 4 << 20
	var tooLong atomic.Int32
	handler := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
		for {
			line, err := r.ReadLine(ctx)
			if errors.Is(err, stream.ErrLimit) {
				tooLong.Add(1)
				err = nil
			}
			if r.Buffered() > 2*limit+256<<10 { // one turn of reading goes over
				t.Errorf("%d bytes are buffered", r.Buffered())
			}
			if err != nil {
				return onlyCancelled(err)
			}
			w.Write(bytes.ToUpper(line))
		}
	}
	withServer(t, handler, func(t *testing.T, ctx context.Context, address string) {
		peer(ctx, t, func() error {
			c, err := reach(address)
			if err != nil {
				return err
			}
			defer c.Close()
			if _, err := c.Write(make([]byte, size)); err != nil {
				return err
			}
			io.WriteString(c, "\nhello\n")
			c.CloseWrite()
			answer, err := io.ReadAll(c)
			// The rest of the long line, whatever is left of it when it ends, is dropped or short.
			if err != nil || !bytes.HasSuffix(answer, []byte("HELLO\n")) || len(answer) > limit+10 {
				t.Errorf("an answer of %d bytes, %v", len(answer), err)
			}
			if tooLong.Load() == 0 {
				t.Error("no line was too long")
			}
			return isServed(address)
		})
	}, stream.Limit(limit))
}

func TestGarbageInPlaceOfTLS(t *testing.T) {
	authority := tlstest.New(t)
	withServer(t, shout, func(t *testing.T, ctx context.Context, address string) {
		peer(ctx, t, func() error {
			for _, text := range []string{
				"", "G", "GET / HTTP/1.1\r\n\r\n", string(noise(10)), string(noise(100_000)),
				"\x16\x03\x01\x00\x05hello",             // a record that is no handshake
				"\x16\x03\x01\x40\x00" + "\x01\x00\x3f", // one that never ends
				"\x16\x03\x01\xff\xff" + string(noise(70_000)),
				"\x15\x03\x01\x00\x02\x02\x28", // an alert at once
				strings.Repeat("\x16\x03\x01\x00\x00", 1000),
			} {
				for _, reset := range []bool{false, true} {
					c, err := reach(address)
					if err != nil {
						return err
					}
					io.WriteString(c, text) // may fail: the server has had enough
					if reset {
						c.SetLinger(0)
					} else {
						c.CloseWrite()
						answer, _ := io.ReadAll(c) // an alert, or nothing
						if len(answer) > 100 {
							t.Errorf("garbage %.20q is answered with %d bytes", text, len(answer))
						}
					}
					c.Close()
				}
			}
			c, err := tls.Dial("tcp", address, clientOf(authority))
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
	}, transport.TLS(authority.Server()))
}

// cutConn resets the connection after so many bytes sent.
type cutConn struct {
	*net.TCPConn
	left int
}

func (c *cutConn) Write(p []byte) (int, error) {
	n, err := c.TCPConn.Write(p[:min(len(p), c.left)])
	if c.left -= n; err == nil && c.left == 0 {
		c.SetLinger(0)
		c.Close()
		err = net.ErrClosed
	}
	return n, err
}

// The whole conversation, handshake and all, is cut after ever more bytes.
func TestResetsAtEveryPointOfASecuredConversation(t *testing.T) {
	authority := tlstest.New(t)
	withServer(t, shout, func(t *testing.T, ctx context.Context, address string) {
		peer(ctx, t, func() error {
			for cut := 1; ; cut += 23 {
				raw, err := reach(address)
				if err != nil {
					return err
				}
				c := &cutConn{raw, cut}
				secured := tls.Client(c, clientOf(authority))
				io.WriteString(secured, "hello\n")
				answer := make([]byte, 6)
				_, err = io.ReadFull(secured, answer)
				raw.SetLinger(0)
				raw.Close()
				switch {
				case err == nil && string(answer) != "HELLO\n":
					return fmt.Errorf("cut after %d bytes: the answer is %q", cut, answer)
				case err == nil: // that was enough for all of it
					return nil
				}
			}
		})
	}, transport.TLS(authority.Server()))
}

func TestAPeerThatNeverEndsItsHandshakeIsCutOff(t *testing.T) {
	authority := tlstest.New(t)
	withServer(t, shout, func(t *testing.T, ctx context.Context, address string) {
		peer(ctx, t, func() error {
			for _, text := range []string{"", "\x16\x03\x01\x40\x00\x01\x00\x3f"} {
				c, err := reach(address)
				if err != nil {
					return err
				}
				defer c.Close()
				io.WriteString(c, text)
				var late net.Error
				if _, err := io.Copy(io.Discard, c); errors.As(err, &late) && late.Timeout() {
					t.Errorf("after %q the server waits for ever", text)
				}
			}
			return nil
		})
	}, transport.TLS(authority.Server()), transport.HandshakeTimeout(100*time.Millisecond))
}

func clientOf(authority *tlstest.Authority) *tls.Config {
	cfg := authority.Client()
	cfg.ServerName = "localhost"
	return cfg
}

func TestThousandsOfConnectsAndDrops(t *testing.T) {
	total := 10_000
	if testing.Short() || leaktest.RaceDetector {
		total = 1000
	}
	withServer(t, shout, func(t *testing.T, ctx context.Context, address string) {
		const peers = 20
		peer(ctx, t, func() error {
			errs := make(chan error, peers)
			for range peers {
				go func() {
					for i := range total / peers {
						c, err := reach(address)
						if err != nil {
							errs <- err
							return
						}
						if i%3 == 1 {
							io.WriteString(c, "hello\n")
						}
						if i%20 != 0 {
							c.SetLinger(0) // a reset; a close in order would keep the port busy for a minute
						}
						c.Close()
					}
					errs <- nil
				}()
			}
			var all []error
			for range peers {
				all = append(all, <-errs)
			}
			return errors.Join(append(all, isServed(address))...)
		})
	})
}

// What has arrived may be 100,000 lines, and the answer to each a call of the system.
func TestAPeerThatSendsManyTinyLinesLetsOthersHaveTheirTurn(t *testing.T) {
	const lines = 20_000
	run(t, func(ctx context.Context) {
		turns, most, before := 0, 0, 0
		handler := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
			for n := 1; ; n++ {
				line, err := r.ReadLine(ctx)
				if err != nil {
					return nil
				}
				w.Write(line)
				if err := w.Drain(ctx); err != nil {
					return err
				}
				if turns > before {
					before, n = turns, 0
				}
				most = max(most, n)
			}
		}
		listen(ctx, t, handler, func(address string) {
			r, w := dial(ctx, t, address)
			defer w.Abort()
			other := aio.Start(ctx, func(ctx context.Context) error {
				for ; ; turns++ {
					if err := aio.Yield(ctx); err != nil {
						return err
					}
				}
			})
			defer other.Cancel(nil)
			w.Write(bytes.Repeat([]byte("\n"), lines))
			_, err := r.ReadExactly(ctx, lines)
			ok(t, err)
			if most > 300 {
				t.Errorf("%d lines were answered before another task had its turn", most)
			}
		})
	})
}
