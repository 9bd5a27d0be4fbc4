package stream_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/aio-go/aio/internal/looptest"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// gone reports whether err is what writing to a peer that has left gives.
func gone(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)
}

// leave makes a listener whose only peer says text, closes at once and tells through the channel.
func leave(t *testing.T, network string, text []byte) (address string, left <-chan struct{}) {
	t.Helper()
	address = "127.0.0.1:0"
	if network == "unix" {
		address = looptest.SocketPath(t)
	}
	ln, err := net.Listen(network, address)
	ok(t, err)
	t.Cleanup(func() { ln.Close() })
	over := make(chan struct{})
	go func() {
		defer close(over)
		c, err := ln.Accept()
		if err != nil {
			return
		}
		if u, ok := c.(*net.UnixConn); ok {
			u.SetWriteBuffer(64<<10 + 2*len(text)) // the text must fit: the peer may not read it
		}
		c.Write(text)
		c.Close()
	}()
	return ln.Addr().String(), over
}

// standStill blocks the loop until the channel is closed. The patience of run is on the loop and
// cannot end this.
func standStill(t *testing.T, until <-chan struct{}) {
	t.Helper()
	select {
	case <-until:
	case <-time.After(patience):
		t.Fatal("the peer waits for the loop, which stands still")
	}
}

// breaks writes until that fails. The loop cannot read in between, unless the failure is on its way
// to it.
func breaks(ctx context.Context, t *testing.T, write func([]byte) (int, error)) {
	t.Helper()
	for i := 0; ; i++ {
		if i > 3 {
			ok(t, aio.Yield(ctx))
		}
		if _, err := write([]byte("hello?\n")); err != nil {
			if !gone(err) {
				t.Errorf("writing failed with %v", err)
			}
			return
		}
	}
}

func TestWhatThePeerSaidLastIsReadAfterAWriteThatFailed(t *testing.T) {
	looptest.NeedDataBeforeReset(t)
	onBoth(t, func(t *testing.T, run func(func(ctx context.Context))) {
		for _, network := range []string{"tcp", "unix"} {
			t.Run(network, func(t *testing.T) {
				address, left := leave(t, network, []byte("421 goodbye\n"))
				run(func(ctx context.Context) {
					r, w, err := stream.Open(ctx, network, address)
					ok(t, err)
					defer w.Close()
					standStill(t, left) // nothing has been received yet
					breaks(ctx, t, w.Write)
					if err := w.Drain(ctx); !gone(err) {
						t.Errorf("Drain: %v", err)
					}
					line, err := r.ReadLine(ctx)
					expect(t, line, err, "421 goodbye\n")
					if _, err := r.ReadLine(ctx); err != io.EOF && !gone(err) {
						t.Errorf("after the line: %v", err)
					}
					if err := w.WaitClosed(ctx); !gone(err) {
						t.Errorf("WaitClosed: %v", err)
					}
				})
			})
		}
	})
}

func TestWhatThePeerSaidLastIsReadThroughANetConn(t *testing.T) {
	looptest.NeedDataBeforeReset(t)
	onBoth(t, func(t *testing.T, run func(func(ctx context.Context))) {
		address, left := leave(t, "tcp", []byte("421 goodbye\n"))
		run(func(ctx context.Context) {
			r, w := dial(ctx, t, address)
			conn := stream.NetConn(ctx, r, w)
			defer conn.Close()
			standStill(t, left)
			breaks(ctx, t, conn.Write)
			data, err := io.ReadAll(conn)
			if err != nil && !gone(err) || string(data) != "421 goodbye\n" {
				t.Errorf("read %q, %v", data, err)
			}
		})
	})
}

// More than the reader takes ahead: the transport is paused when the write fails.
func TestAllThatThePeerSentIsReadAfterAWriteThatFailed(t *testing.T) {
	looptest.NeedUnixSockets(t)
	const limit = 1000
	data := noise(100 << 10) // more than a transport reads in one go, no more than the kernel takes
	onBoth(t, func(t *testing.T, run func(func(ctx context.Context))) {
		address, left := leave(t, "unix", data)
		run(func(ctx context.Context) {
			r, w, err := stream.Open(ctx, "unix", address, stream.Limit(limit))
			ok(t, err)
			defer w.Close()
			if _, open, err := aio.Recv(ctx, left); open || err != nil {
				t.Fatalf("the peer has not left: %v", err)
			}
			for r.Buffered() <= 2*limit {
				ok(t, aio.Yield(ctx))
			}
			if n := r.Buffered(); n == len(data) || w.Transport().IsReading() {
				t.Fatalf("%d bytes of %d are buffered, reading goes on: %v",
					n, len(data), w.Transport().IsReading())
			}
			breaks(ctx, t, w.Write)
			yields(ctx, 20)
			got, err := r.ReadAll(ctx)
			if err != nil && !gone(err) || !bytes.Equal(got, data) {
				t.Errorf("read %d bytes of %d, %v", len(got), len(data), err)
			}
		})
	})
}

// A peer that has stopped reading may go on talking, as with package net.
func TestAPeerThatDoesNotListenAnyMoreIsHeardToItsEnd(t *testing.T) {
	looptest.NeedUnixSockets(t)
	onBoth(t, func(t *testing.T, run func(func(ctx context.Context))) {
		ln, err := net.Listen("unix", looptest.SocketPath(t))
		ok(t, err)
		defer ln.Close()
		deaf, failed := make(chan struct{}), make(chan struct{})
		go func() {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			c.(*net.UnixConn).CloseRead()
			close(deaf)
			<-failed
			c.Write([]byte("still here\n"))
		}()
		run(func(ctx context.Context) {
			r, w, err := stream.Open(ctx, "unix", ln.Addr().String())
			ok(t, err)
			defer w.Close()
			standStill(t, deaf)
			breaks(ctx, t, w.Write)
			close(failed)
			data, err := r.ReadAll(ctx)
			if err != nil && !gone(err) || string(data) != "still here\n" {
				t.Errorf("read %q, %v", data, err)
			}
		})
	})
}

func TestADrainThatWaitsForAPeerThatLeavesFailsWhileTheRestIsUnread(t *testing.T) {
	onBoth(t, func(t *testing.T, run func(func(ctx context.Context))) {
		run(func(ctx context.Context) {
			peer := aio.NewFuture[*stream.Writer](ctx)
			handler := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
				w.Write(noise(1 << 20))
				ok(t, peer.SetResult(w))
				return w.WaitClosed(ctx)
			}
			listen(ctx, t, handler, func(address string) {
				r, w := dial(ctx, t, address, stream.Limit(100))
				p, err := peer.Await(ctx)
				ok(t, err)
				w.Write(noise(8 << 20))
				drain := aio.Start(ctx, w.Drain)
				for r.Buffered() == 0 {
					ok(t, aio.Yield(ctx))
				}
				p.Abort() // with data unread: the system resets the connection
				_, err = drain.Await(ctx)
				if !gone(err) {
					t.Errorf("Drain: %v", err)
				}
				if _, err := w.WriteString("x"); !gone(err) {
					t.Errorf("Write: %v", err)
				}
				w.Abort()
				if err := w.WaitClosed(ctx); !gone(err) {
					t.Errorf("WaitClosed: %v", err)
				}
			})
		})
	})
}

func TestAProtocolHearsTheRestBeforeTheLoss(t *testing.T) {
	looptest.NeedDataBeforeReset(t)
	address, left := leave(t, "tcp", []byte("bye"))
	run(t, func(ctx context.Context) {
		p := &chronicle{over: aio.NewFuture[aio.None](ctx)}
		tr, err := transport.Connect(ctx, "tcp", address, p)
		ok(t, err)
		standStill(t, left)
		for !tr.IsClosing() {
			tr.Write([]byte("x"))
			tr.Write([]byte("y"))
			aio.Yield(ctx)
		}
		_, err = p.over.Await(ctx)
		ok(t, err)
		if got := p.heard; got != "bye eof lost" {
			t.Errorf("heard %q", got)
		}
	})
}

type chronicle struct {
	transport.BaseProtocol
	heard string
	over  *aio.Future[aio.None]
}

func (c *chronicle) DataReceived(p []byte) { c.heard += string(p) }
func (c *chronicle) EOFReceived() bool     { c.heard += " eof"; return true }
func (c *chronicle) ConnectionLost(err error) {
	c.heard += " lost"
	if !gone(err) {
		c.heard += " with " + err.Error()
	}
	c.over.SetResult(aio.None{})
}
