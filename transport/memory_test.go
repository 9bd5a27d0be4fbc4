package transport_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/looptest"
	"github.com/aio-go/aio/internal/tlstest"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// onMemory runs fn on a network in memory under a virtual clock.
func onMemory(t *testing.T, fn func(ctx context.Context) error, opts ...aio.Option) {
	t.Helper()
	looptest.Run(t, func(ctx context.Context) error {
		return fn(transport.WithNetwork(ctx, transport.Memory()))
	}, opts...)
}

// shout answers each line in capitals, an hour later.
func shout(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
	for {
		line, err := r.ReadLine(ctx)
		if err != nil {
			return nil
		}
		if err := aio.Sleep(ctx, time.Hour); err != nil {
			return err
		}
		fmt.Fprint(w, strings.ToUpper(string(line)))
		if err := w.Drain(ctx); err != nil {
			return err
		}
	}
}

func TestTimeInMemoryIsTheLoopsAlone(t *testing.T) {
	begin := time.Now()
	onMemory(t, func(ctx context.Context) error {
		server, err := stream.Serve(ctx, "tcp", "shouter:7", shout)
		if err != nil {
			return err
		}
		defer server.Close()
		start := aio.RunningLoop(ctx).Time()
		return aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
			for i := range 100 {
				g.Go(func(ctx context.Context) error {
					r, w, err := stream.Open(ctx, "tcp", "shouter:7")
					if err != nil {
						return err
					}
					defer w.Close()
					for range 24 {
						fmt.Fprintf(w, "hello %d\n", i)
						line, err := r.ReadLine(ctx)
						if want := fmt.Sprintf("HELLO %d\n", i); err != nil || string(line) != want {
							return fmt.Errorf("got %q, %v", line, err)
						}
					}
					if d := aio.RunningLoop(ctx).Time().Sub(start); d != 24*time.Hour {
						return fmt.Errorf("a day took %v", d)
					}
					return nil
				})
			}
			return nil
		})
	})
	// 24 jumps of the clock; a network of the system costs 20 ms each, whatever the machine
	if d := time.Since(begin); d > 30*time.Second {
		t.Errorf("a day of virtual time took %v", d)
	}
}

func TestADeadlockInMemoryIsFoundAtOnce(t *testing.T) {
	err := looptest.RunErr(t, func(ctx context.Context) error {
		ctx = transport.WithNetwork(ctx, transport.Memory())
		server, err := stream.Serve(ctx, "tcp", ":80",
			func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
				_, err := r.ReadLine(ctx) // both wait for the other
				return err
			})
		if err != nil {
			return err
		}
		defer server.Close()
		r, w, err := stream.Open(ctx, "tcp", "127.0.0.1:80")
		if err != nil {
			return err
		}
		defer w.Abort()
		_, err = r.ReadLine(ctx)
		return err
	})
	var deadlock *aio.DeadlockError
	if !errors.As(err, &deadlock) || len(deadlock.Waiting) != 2 {
		t.Errorf("got %v, want a deadlock of two tasks", err)
	}
}

func TestNamesInMemoryHaveAddressesOfTheirOwn(t *testing.T) {
	onMemory(t, func(ctx context.Context) error {
		answer := func(text string) stream.Handler {
			return func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
				_, err := io.WriteString(w, text)
				return err
			}
		}
		for _, at := range []string{"db:5432", "cache:5432", ":80", "unix:/run/x"} {
			network, address := "tcp", at
			if path, ok := strings.CutPrefix(at, "unix:"); ok {
				network, address = "unix", path
			}
			server, err := stream.Serve(ctx, network, address, answer(at))
			if err != nil {
				return err
			}
			defer server.Close()
			if _, err := stream.Serve(ctx, network, address, answer(at)); !errors.Is(err, syscall.EADDRINUSE) {
				return fmt.Errorf("%s a second time: %v", at, err)
			}
		}
		for at, want := range map[string]string{
			"db:5432": "db:5432", "cache:5432": "cache:5432", "localhost:80": ":80",
			"[::1]:80": ":80", "anything:80": ":80", "unix:/run/x": "unix:/run/x",
		} {
			network, address := "tcp", at
			if path, ok := strings.CutPrefix(at, "unix:"); ok {
				network, address = "unix", path
			}
			r, w, err := stream.Open(ctx, network, address)
			if err != nil {
				return err
			}
			got, err := r.ReadAll(ctx)
			w.Close()
			if err != nil || string(got) != want {
				return fmt.Errorf("%s answers %q, %v", at, got, err)
			}
		}
		if _, _, err := stream.Open(ctx, "tcp", "web:5432"); !errors.Is(err, syscall.ECONNREFUSED) {
			return fmt.Errorf("nobody listens there: %v", err)
		}
		if _, _, err := stream.Open(ctx, "unix", "/run/y"); !errors.Is(err, syscall.ENOENT) {
			return fmt.Errorf("no such name: %v", err)
		}
		ips, err := transport.Resolve(ctx, "tcp", "db:1")
		if err != nil {
			return err
		}
		names, err := transport.LookupAddr(ctx, ips[0].Addr())
		if err != nil || len(names) != 1 || names[0] != "db" {
			return fmt.Errorf("%v is %q, %v", ips, names, err)
		}
		return nil
	})
}

func TestAWriterInMemoryWaitsForItsReader(t *testing.T) {
	onMemory(t, func(ctx context.Context) error {
		const size = 10 << 20
		got := 0
		server, err := stream.Serve(ctx, "tcp", ":80",
			func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
				if err := aio.Sleep(ctx, time.Hour); err != nil {
					return err
				}
				all, err := r.ReadAll(ctx)
				got = len(all)
				fmt.Fprintf(w, "%d\n", got) // after the client's half-close
				return err
			})
		if err != nil {
			return err
		}
		defer server.Close()
		r, w, err := stream.Open(ctx, "tcp", ":80")
		if err != nil {
			return err
		}
		defer w.Close()
		sent := 0
		for sent < size {
			n, err := w.Write(make([]byte, 32<<10))
			sent += n
			if err == nil {
				err = aio.Timeout(ctx, time.Minute, w.Drain)
			}
			if sent > 1<<20 && aio.RunningLoop(ctx).Time().Sub(epoch) < time.Hour {
				return fmt.Errorf("%d bytes were taken before the reader has read one", sent)
			}
			if err != nil && !errors.Is(err, context.DeadlineExceeded) {
				return err
			}
			if err != nil { // the line is full
				if err := w.Drain(ctx); err != nil {
					return err
				}
			}
		}
		if err := w.WriteEOF(); err != nil {
			return err
		}
		line, err := r.ReadLine(ctx)
		if err != nil || string(line) != fmt.Sprintf("%d\n", sent) || got != sent {
			return fmt.Errorf("%d bytes were sent, %d came; the answer is %q, %v", sent, got, line, err)
		}
		return nil
	})
}

var epoch = aio.NewVirtualClock().Now()

func TestAPeerInMemoryThatHasGoneResetsTheConnection(t *testing.T) {
	onMemory(t, func(ctx context.Context) error {
		server, err := stream.Serve(ctx, "tcp", ":80",
			func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
				w.Abort()
				return nil
			})
		if err != nil {
			return err
		}
		defer server.Close()
		r, w, err := stream.Open(ctx, "tcp", ":80")
		if err != nil {
			return err
		}
		defer w.Close()
		if _, err := r.ReadLine(ctx); err != io.EOF {
			return fmt.Errorf("got %v, want the end", err)
		}
		for range 2 { // the first one is answered with a reset
			io.WriteString(w, "hello\n")
			if err := aio.Sleep(ctx, time.Second); err != nil {
				return err
			}
		}
		if err := w.Drain(ctx); !errors.Is(err, syscall.EPIPE) {
			return fmt.Errorf("got %v, want a broken pipe", err)
		}
		return nil
	})
}

func TestTLSAndDeadlinesWorkInMemory(t *testing.T) {
	cert := tlstest.New(t)
	onMemory(t, func(ctx context.Context) error {
		server, err := stream.Serve(ctx, "tcp", "localhost:443", shout,
			transport.TLS(cert.Server()))
		if err != nil {
			return err
		}
		defer server.Close()
		r, w, err := stream.Open(ctx, "tcp", "localhost:443", transport.TLS(cert.Client()))
		if err != nil {
			return err
		}
		conn := stream.NetConn(ctx, r, w)
		defer conn.Close()
		if _, err := io.WriteString(conn, "hello\n"); err != nil {
			return err
		}
		buf := make([]byte, 10)
		conn.SetReadDeadline(aio.RunningLoop(ctx).Time().Add(time.Minute))
		var late net.Error
		if _, err := conn.Read(buf); !errors.As(err, &late) || !late.Timeout() {
			return fmt.Errorf("got %v, want a time-out", err)
		}
		conn.SetReadDeadline(time.Time{})
		n, err := conn.Read(buf)
		if err != nil || string(buf[:n]) != "HELLO\n" {
			return fmt.Errorf("got %q, %v", buf[:n], err)
		}
		return nil
	})
}

// mailbox keeps the datagrams that it gets.
type mailbox struct {
	transport.BaseDatagramProtocol
	mail []string
}

func (m *mailbox) DatagramReceived(p []byte, _ netip.AddrPort) { m.mail = append(m.mail, string(p)) }

func TestDatagramsInMemoryBeyondTheBufferAreLost(t *testing.T) {
	onMemory(t, func(ctx context.Context) error {
		box := &mailbox{}
		in, err := transport.Endpoint(ctx, "udp", "127.0.0.1:53", "", box)
		if err != nil {
			return err
		}
		defer in.Close()
		out, err := transport.Endpoint(ctx, "udp", "", "127.0.0.1:53", transport.BaseDatagramProtocol{})
		if err != nil {
			return err
		}
		defer out.Close()
		for range 1000 {
			out.SendTo(make([]byte, 1000), netip.AddrPort{})
		}
		for range 1000 {
			if err := aio.Yield(ctx); err != nil {
				return err
			}
		}
		if n := len(box.mail); n < 100 || n > 200 {
			return fmt.Errorf("%d of 1000 datagrams of 1000 bytes came, want those in 208 KiB", n)
		}
		return nil
	})
}

func TestANetworkInMemoryIsForOneLoopAtATime(t *testing.T) {
	n := transport.Memory()
	listen := func(ctx context.Context) error {
		s, err := stream.Serve(transport.WithNetwork(ctx, n), "tcp", ":80", shout)
		if err == nil {
			defer s.Close()
		}
		return err
	}
	looptest.Run(t, func(ctx context.Context) error {
		if err := listen(ctx); err != nil {
			return err
		}
		_, err := aio.ToThread(ctx, func(context.Context) (aio.None, error) {
			v := looptest.PanicOf(func() { aio.Run(context.Background(), listen) })
			if v == nil || !strings.Contains(fmt.Sprint(v), "in use by another loop") {
				return aio.None{}, fmt.Errorf("the panic is %v", v)
			}
			return aio.None{}, nil
		})
		return err
	})
	looptest.Run(t, listen) // after the first
}

func TestAConnectionThatWaitsForAPlaceIsMadeInTurn(t *testing.T) {
	onMemory(t, func(ctx context.Context) error {
		var served []int
		server, err := stream.Serve(ctx, "tcp", ":80",
			func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
				p, err := r.ReadExactly(ctx, 1)
				if err == nil {
					served = append(served, int(p[0]))
				}
				return err
			}, transport.Backlog(2), transport.StartServing(false))
		if err != nil {
			return err
		}
		defer server.Close()
		return aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
			for i := range 6 {
				g.Go(func(ctx context.Context) error {
					_, w, err := stream.Open(ctx, "tcp", ":80", transport.HappyEyeballs(0))
					if err != nil {
						return err
					}
					defer w.Close()
					_, err = w.Write([]byte{byte(i)})
					return err
				})
			}
			g.Go(func(ctx context.Context) error {
				if err := aio.Sleep(ctx, time.Second); err != nil {
					return err
				}
				if len(served) > 0 {
					return errors.New("it served before it was to begin")
				}
				if err := server.StartServing(); err != nil {
					return err
				}
				for len(served) < 6 {
					if err := aio.Yield(ctx); err != nil {
						return err
					}
				}
				if fmt.Sprint(served) != "[0 1 2 3 4 5]" {
					return fmt.Errorf("the order is %v", served)
				}
				return nil
			})
			return nil
		})
	})
}
