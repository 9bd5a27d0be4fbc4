package transport

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/aio-go/aio/internal/looptest"
)

func TestASecondServerOnAUnixPathIsRefusedAndTheFirstNoticesNothing(t *testing.T) {
	looptest.NeedUnixSockets(t)
	onEach(t, func(t *testing.T, n Network) {
		path := looptest.SocketPath(t)
		dir := filepath.Dir(path)
		for name, path := range map[string]string{
			"path":     path,
			"abstract": "@aio-test-" + dir,
		} {
			if name == "abstract" && runtime.GOOS != "linux" {
				continue
			}
			t.Run(name, func(t *testing.T) {
				inLoop(t, n, func(ctx context.Context, e *env) {
					s := serveEcho(ctx, e, "unix", path)
					for range 2 {
						_, err := Listen(ctx, "unix", path, func() Protocol { return &recorder{} })
						if !errors.Is(err, syscall.EADDRINUSE) {
							t.Errorf("err %v, want EADDRINUSE", err)
						}
					}
					e.settle(ctx)
					if st := s.Statistics(); st.Accepted != 0 {
						t.Errorf("the first server accepted %d connections of those who only asked", st.Accepted)
					}
					client := connect(ctx, e, s)
					client.t.Write([]byte("hello"))
					client.awaitData(ctx, e, "hello")
					client.t.Close()
					s.Close()
					e.ok(s.WaitClosed(ctx))
				})
			})
		}
		if left, _ := os.ReadDir(dir); len(left) != 0 {
			t.Errorf("left behind: %v", left)
		}
	})
}

// Also one that is bound and does not listen yet, and one of another type.
func TestASocketOfAnyKindThatIsHeldKeepsItsPath(t *testing.T) {
	onBoth(t, func(t *testing.T, n Network) {
		path := looptest.SocketPath(t)
		held, err := net.ListenPacket("unixgram", path)
		if err != nil {
			t.Skip("no datagram sockets here:", err)
		}
		inLoop(t, n, func(ctx context.Context, e *env) {
			factory := func() Protocol { return &recorder{} }
			if _, err := Listen(ctx, "unix", path, factory); !errors.Is(err, syscall.EADDRINUSE) {
				t.Errorf("over a datagram socket: %v", err)
			}
			held.Close()
			s, err := Listen(ctx, "unix", path, factory) // stale now
			e.ok(err)
			s.Close()
			if runtime.GOOS != "linux" {
				return
			}
			bound, err := NewSocket(ctx, "unix")
			e.ok(err)
			defer bound.Close()
			e.ok(bound.Bind(path))
			if _, err := Listen(ctx, "unix", path, factory); !errors.Is(err, syscall.EADDRINUSE) {
				t.Errorf("over a socket that does not listen yet: %v", err)
			}
		})
	})
}

// The number of the file may be the same: of many that come and go one will have it.
func TestAServerThatClosesLeavesTheSocketOfAnother(t *testing.T) {
	looptest.NeedUnixSockets(t)
	onBoth(t, func(t *testing.T, n Network) {
		path := looptest.SocketPath(t)
		inLoop(t, n, func(ctx context.Context, e *env) {
			for _, adopted := range []bool{false, true} {
				first := serveEcho(ctx, e, "unix", path)
				if adopted {
					first.Close()
					ln, err := net.Listen("unix", path)
					e.ok(err)
					first, err = AdoptListener(ctx, ln, func() Protocol { return &recorder{} })
					e.ok(err)
				}
				e.ok(os.Remove(path)) // another program removes it
				second := serveEcho(ctx, e, "unix", path)
				first.Close()
				client := connect(ctx, e, second)
				client.t.Write([]byte("hello"))
				client.awaitData(ctx, e, "hello")
				client.t.Close()
				second.Close()
				e.ok(second.WaitClosed(ctx))
				if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("the file of the second: %v", err)
				}
			}
		})
	})
}

// A listener that was inherited, by socket activation say, belongs to the process that made its
// file.
func TestTheFileOfAnInheritedListenerStays(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("on Windows sockets are not files that a process inherits")
	}
	onEach(t, func(t *testing.T, n Network) {
		path := looptest.SocketPath(t)
		inLoop(t, n, func(ctx context.Context, e *env) {
			ln, err := net.Listen("unix", path)
			e.ok(err)
			defer ln.Close()
			f, err := ln.(*net.UnixListener).File()
			e.ok(err)
			defer f.Close()
			inherited, err := net.FileListener(f)
			e.ok(err)
			s, err := AdoptListener(ctx, inherited, func() Protocol { return &recorder{} })
			e.ok(err)
			s.Close()
			if _, err := os.Lstat(path); err != nil {
				t.Error(err)
			}
		})
	})
}

func TestWhoMayConnectToAUnixSocket(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no modes there")
	}
	onBoth(t, func(t *testing.T, n Network) {
		for _, c := range []struct {
			opts []Option
			want fs.FileMode
		}{
			{nil, 0o600},
			{[]Option{SocketMode(0o660)}, 0o660},
			{[]Option{SocketMode(0o666)}, 0o666},
		} {
			path := looptest.SocketPath(t)
			inLoop(t, n, func(ctx context.Context, e *env) {
				s := serveEcho(ctx, e, "unix", path, c.opts...)
				defer s.Close()
				info, err := os.Lstat(path)
				e.ok(err)
				if info.Mode().Perm() != c.want {
					t.Errorf("mode %v, want %v", info.Mode(), c.want)
				}
			})
		}
	})
	for _, mode := range []fs.FileMode{0, 0o400, 0o1777, fs.ModeSocket | 0o600} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("SocketMode(%v) did not panic", mode)
				}
			}()
			SocketMode(mode)
		}()
	}
}

func TestConnectionsThatFailedBeforeTheyWereAcceptedDoNotStopAccepting(t *testing.T) {
	for _, cause := range ofOneConnection {
		withFakeListener(t, func(ctx context.Context, e *env, l *fakeListener, s *Server, c *collect) {
			bad := &net.OpError{Op: "accept", Err: os.NewSyscallError("accept", cause)}
			l.queue = []any{bad, newFake(e), bad, bad, newFake(e)}
			before := e.loop.Time()
			l.ready()
			c.await(ctx, e, 2)
			if st := s.Statistics(); st != (ServerStatistics{Accepted: 2, Active: 2}) ||
				e.loop.Time() != before {
				t.Errorf("%v: %+v after %v", cause, st, e.loop.Time().Sub(before))
			}
		})
	}
}

// An error that is not of one connection after all must not keep the loop busy.
func TestAFailureOfOneConnectionThatDoesNotEndIsAPause(t *testing.T) {
	withFakeListener(t, func(ctx context.Context, e *env, l *fakeListener, s *Server, c *collect) {
		for range maxLost + 1 {
			l.queue = append(l.queue, syscall.ENETDOWN)
		}
		l.queue = append(l.queue, newFake(e))
		before := e.loop.Time()
		l.ready()
		c.await(ctx, e, 1)
		e.expectReport("accepting failed")
		if d := e.loop.Time().Sub(before); d != acceptPause {
			t.Errorf("went on after %v", d)
		}
	})
}

// However many peers connect and leave at once, the others are accepted without a pause.
func TestPeersThatGiveUpDoNotPauseTheListener(t *testing.T) {
	for _, cause := range []syscall.Errno{syscall.ECONNABORTED, syscall.ECONNRESET, syscall.ENOTCONN} {
		withFakeListener(t, func(ctx context.Context, e *env, l *fakeListener, s *Server, c *collect) {
			bad := &net.OpError{Op: "accept", Err: os.NewSyscallError("accept", cause)}
			for range 10 * maxLost {
				l.queue = append(l.queue, bad)
			}
			l.queue = append(l.queue, newFake(e))
			before := e.loop.Time()
			l.ready()
			c.await(ctx, e, 1)
			if st := s.Statistics(); st != (ServerStatistics{Accepted: 1, Active: 1}) ||
				e.loop.Time() != before {
				t.Errorf("%v: %+v after %v", cause, st, e.loop.Time().Sub(before))
			}
		})
	}
}
