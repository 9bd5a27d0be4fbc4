package aiotest_test

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/aiotest"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// faulty is a program that fails under one kind of fault.
type faulty struct {
	program func(ctx context.Context, t *aiotest.T, w *aiotest.World) error
	fault   aiotest.Faults // under which it fails
	fine    aiotest.Faults // under which it does not
	fails   string         // in what way
	told    string         // what the story says of the fault
}

// foundAlone checks that a program works without its fault, and that with it the failure is found,
// shrunk to one fault in the plain order, told, and repeated by its token.
func (f faulty) foundAlone(t *testing.T) {
	t.Helper()
	in := func(faults aiotest.Faults) func(ctx context.Context, t *aiotest.T) error {
		return func(ctx context.Context, t *aiotest.T) error {
			return f.program(ctx, t, aiotest.NewWorld(ctx, t, faults))
		}
	}
	opts := []aiotest.Option{aiotest.Schedules(200), aiotest.DocumentedOrder()}
	if r := explore(t, in(aiotest.Faults{}), opts...); len(r.errors) > 0 {
		t.Fatalf("it fails without a fault:\n%s", r.errors[0])
	}
	if r := explore(t, in(f.fine), opts...); len(r.errors) > 0 {
		t.Fatalf("it fails under another fault:\n%s", r.errors[0])
	}
	opts = []aiotest.Option{aiotest.Schedules(2000), aiotest.DocumentedOrder()}
	r := explore(t, in(f.fault), opts...)
	wantOne(t, r, "the shortest found has 1 fault, in the plain order", f.fails, ">      world: "+f.told)
	steps, _, _ := strings.Cut(r.errors[0], "The messages:")
	if n := strings.Count(steps, "\n>"); n != 1 {
		t.Errorf("%d faults are told:\n%s", n, r.errors[0])
	}
	t.Setenv("AIO_REPLAY", tokenOf(t, r))
	wantOne(t, explore(t, in(f.fault), opts...), "the schedule of AIO_REPLAY fails", f.fails,
		">      world: "+f.told)
}

// lines serves a host: answer gets each line, and what it returns is the answer.
func lines(ctx context.Context, answer func(line string) string) error {
	return linesWith(ctx, func(_ context.Context, line string) string { return answer(line) })
}

// linesWith is lines with an answer that may wait.
func linesWith(
	ctx context.Context, answer func(ctx context.Context, line string) string,
) error {
	server, err := stream.Serve(ctx, "tcp", ":80",
		func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
			for {
				line, err := r.ReadLine(ctx)
				if err != nil {
					return nil
				}
				if _, err := io.WriteString(w, answer(ctx, strings.TrimSuffix(string(line), "\n"))); err != nil {
					return nil
				}
			}
		})
	if err != nil {
		return err
	}
	defer server.Close()
	return server.ServeForever(ctx)
}

// ask sends a line to a host and returns the answer.
func ask(ctx context.Context, host, line string) (string, error) {
	r, w, err := stream.Open(ctx, "tcp", host+":80")
	if err != nil {
		return "", err
	}
	defer w.Close()
	if _, err := io.WriteString(w, line+"\n"); err != nil {
		return "", err
	}
	answer, err := r.ReadLine(ctx)
	return strings.TrimSuffix(string(answer), "\n"), err
}

// insist asks until there is an answer, and waits for each one up to patience.
func insist(ctx context.Context, host, line string, patience time.Duration) (answer string, err error) {
	for {
		err = aio.Timeout(ctx, patience, func(ctx context.Context) error {
			answer, err = ask(ctx, host, line)
			return err
		})
		if err == nil || ctx.Err() != nil {
			return answer, err
		}
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return "", err
		}
	}
}

// counting counts what is asked of db, by a client that insists.
func counting(patience time.Duration) func(
	ctx context.Context, t *aiotest.T, w *aiotest.World,
) error {
	return func(ctx context.Context, t *aiotest.T, w *aiotest.World) error {
		n := 0
		w.Host("db").Boot(func(ctx context.Context) error {
			return lines(ctx, func(string) string { n++; return "ok\n" })
		})
		if _, err := insist(w.Host("app").Context(ctx), "db", "add", patience); err != nil {
			return err
		}
		if n != 1 {
			t.Errorf("%d were added, want 1", n)
		}
		return nil
	}
}

func TestAResetIsFound(t *testing.T) {
	faulty{
		program: counting(time.Hour),
		fault:   aiotest.Faults{Resets: 3},
		fine:    aiotest.Faults{HalfOpen: 0, SlowReaders: 2, Partitions: 1, OneWay: 1, Lookups: 2},
		fails:   "2 were added, want 1",
		told:    "the connection from db to app",
	}.foundAlone(t)
}

// A reader that takes what has come for a line pays 10 in place of 100, if the connection is reset
// at one byte.
func TestAResetAtOneByteIsFound(t *testing.T) {
	faulty{
		program: func(ctx context.Context, t *aiotest.T, w *aiotest.World) error {
			w.Host("bank").Boot(func(ctx context.Context) error {
				server, err := stream.Serve(ctx, "tcp", ":80",
					func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
						var line []byte
						for !strings.HasSuffix(string(line), "\n") {
							p := make([]byte, 100)
							n, err := r.Read(ctx, p)
							if line = append(line, p[:n]...); err != nil {
								break // and takes what it has
							}
						}
						n, ok := strings.CutPrefix(strings.TrimSuffix(string(line), "\n"), "pay ")
						if sum, err := strconv.Atoi(n); ok && err == nil && sum >= 10 && sum != 100 {
							t.Errorf("%d is paid, want 100", sum)
						}
						return nil
					})
				if err != nil {
					return err
				}
				defer server.Close()
				return server.ServeForever(ctx)
			})
			ctx = w.Host("app").Context(ctx)
			if err := aio.Sleep(ctx, time.Second); err != nil { // the bank listens
				return err
			}
			_, _ = ask(ctx, "bank", "pay 100")
			return aio.Sleep(ctx, time.Second)
		},
		fault: aiotest.Faults{Resets: 1},
		fine:  aiotest.Faults{SlowReaders: 1, Partitions: 1},
		fails: "10 is paid, want 100",
		told:  "the connection from app to bank (bank:80) is reset after 6 of the next 8 bytes",
	}.foundAlone(t)
}

func TestAHalfOpenConnectionIsFound(t *testing.T) {
	faulty{
		program: func(ctx context.Context, t *aiotest.T, w *aiotest.World) error {
			w.Host("db").Boot(func(ctx context.Context) error {
				return lines(ctx, func(string) string { return "ok\n" })
			})
			if err := aio.Sleep(ctx, time.Second); err != nil { // db listens
				return err
			}
			begin := aio.RunningLoop(ctx).Time()
			_, _ = ask(w.Host("app").Context(ctx), "db", "status") // without a time-out
			if d := aio.RunningLoop(ctx).Time().Sub(begin); d > time.Minute {
				t.Errorf("the status took %v", d)
			}
			return nil
		},
		fault: aiotest.Faults{HalfOpen: 1},
		fine:  aiotest.Faults{Resets: 2, SlowReaders: 2, Partitions: 1, Lookups: 1},
		fails: "the status took 2m30s",
		told:  "the connection from ",
	}.foundAlone(t)
}

// A server that sends to one client after the other lets all wait for the slowest.
func TestASlowReaderIsFound(t *testing.T) {
	faulty{
		program: func(ctx context.Context, t *aiotest.T, w *aiotest.World) error {
			const size, clients = 200 << 10, 2
			w.Host("news").Boot(func(ctx context.Context) error {
				var all []*stream.Writer
				full := aio.NewFuture[aio.None](ctx)
				server, err := stream.Serve(ctx, "tcp", ":80",
					func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
						if all = append(all, w); len(all) == clients {
							full.SetResult(aio.None{})
						}
						_, _ = r.ReadLine(ctx) // waits for the client to go
						return nil
					})
				if err != nil {
					return err
				}
				defer server.Close()
				if _, err := full.Await(ctx); err != nil {
					return err
				}
				for _, w := range all {
					if _, err := w.Write(make([]byte, size)); err != nil {
						continue
					}
					_ = w.Drain(ctx) // of one after the other
				}
				return server.ServeForever(ctx)
			})
			begin := aio.RunningLoop(ctx).Time()
			late := 0
			err := aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
				for i := range clients {
					host := w.Host(fmt.Sprintf("client %d", i))
					g.Go(func(ctx context.Context) error {
						r, w, err := stream.Open(host.Context(ctx), "tcp", "news:80")
						if err != nil {
							return err
						}
						defer w.Close()
						if _, err := r.ReadExactly(ctx, size); err == nil &&
							aio.RunningLoop(ctx).Time().Sub(begin) > 5*time.Second {
							late++
						}
						return nil
					})
				}
				return nil
			})
			if late == clients {
				t.Errorf("all clients are late")
			}
			return err
		},
		fault: aiotest.Faults{SlowReaders: 1},
		fine:  aiotest.Faults{Resets: 1, HalfOpen: 1},
		fails: "all clients are late",
		told:  "nothing is read for 10s from the connection from news to client 0",
	}.foundAlone(t)
}

func TestAPartitionIsFound(t *testing.T) {
	faulty{
		program: func(ctx context.Context, t *aiotest.T, w *aiotest.World) error {
			n := 0
			for _, name := range []string{"first", "second"} {
				w.Host(name).Boot(func(ctx context.Context) error {
					return lines(ctx, func(string) string { n++; return "ok\n" })
				})
			}
			ctx = w.Host("app").Context(ctx)
			if err := aio.Sleep(ctx, time.Second); err != nil { // they listen
				return err
			}
			err := aio.Timeout(ctx, 5*time.Second, func(ctx context.Context) error {
				_, err := ask(ctx, "first", "order")
				return err
			})
			if err != nil { // so it has not been done
				if _, err := ask(ctx, "second", "order"); err != nil {
					return err
				}
			}
			if err := aio.Sleep(ctx, time.Minute); err != nil {
				return err
			}
			if n != 1 {
				t.Errorf("%d orders, want 1", n)
			}
			return nil
		},
		fault: aiotest.Faults{Partitions: 1},
		fine:  aiotest.Faults{},
		fails: "2 orders, want 1",
		told:  "first and app do not reach each other for 10s",
	}.foundAlone(t)
}

// post is a UDP socket as a queue.
type post struct {
	transport.BaseDatagramProtocol
	t    transport.DatagramTransport
	mail *aiosync.Queue[letter]
}

type letter struct {
	text string
	from netip.AddrPort
}

func (p *post) DatagramReceived(b []byte, from netip.AddrPort) {
	_ = p.mail.PutNowait(letter{string(b), from})
}

// openPost opens a socket at a port of the host.
func openPost(ctx context.Context, port int) (*post, error) {
	p := &post{mail: aiosync.NewQueue[letter](0)}
	var err error
	p.t, err = transport.Endpoint(ctx, "udp4", fmt.Sprintf(":%d", port), "", p)
	return p, err
}

func (p *post) send(ctx context.Context, host, text string) error {
	to, err := transport.Resolve(ctx, "udp4", host+":53")
	if err == nil {
		p.t.SendTo([]byte(text), to[0])
	}
	return err
}

// epoch is when time begins.
var epoch = aio.NewVirtualClock().Now()

// twoLeaders is a leader and its stand-by. The leader gives up if it hears nothing from the
// stand-by, the stand-by takes over if it hears nothing from the leader. After a cut in both
// directions there is one; after a cut of one direction there may be none.
func twoLeaders(ctx context.Context, t *aiotest.T, w *aiotest.World) error {
	leads := map[string]bool{"a": true}
	node := func(me, other string) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			p, err := openPost(ctx, 53)
			if err != nil {
				return err
			}
			defer p.t.Close()
			for heard := aio.RunningLoop(ctx).Time(); ; {
				if err := p.send(ctx, other, "here I am"); err != nil {
					return err
				}
				if err := aio.Sleep(ctx, time.Second); err != nil {
					return err
				}
				now := aio.RunningLoop(ctx).Time()
				for !p.mail.Empty() {
					if _, err := p.mail.GetNowait(); err != nil {
						return err
					}
					heard = now
				}
				switch silent := now.Sub(heard); {
				case me == "a" && silent > 2*time.Second:
					leads[me] = false
				case me == "b" && silent > 4*time.Second:
					leads[me] = true
				}
			}
		}
	}
	w.Host("a").Boot(node("a", "b"))
	w.Host("b").Boot(node("b", "a"))
	for alone := 0; aio.RunningLoop(ctx).Time().Sub(epoch) < 30*time.Second; {
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return err
		}
		if alone++; leads["a"] || leads["b"] {
			alone = 0
		}
		if alone > 6 {
			t.Fatal("nobody leads")
		}
	}
	return nil
}

func TestAOneWayPartitionIsFound(t *testing.T) {
	faulty{
		program: twoLeaders,
		fault:   aiotest.Faults{OneWay: 1},
		fine:    aiotest.Faults{Lost: 1, Duplicated: 2},
		fails:   "nobody leads",
		told:    "nothing gets from b to a for 10s",
	}.foundAlone(t)
	aiotest.Run(t, func(ctx context.Context, t *aiotest.T) error { // in both directions it works
		w := aiotest.NewWorld(ctx, t, aiotest.Faults{})
		heal := func() {}
		loop := aio.RunningLoop(ctx)
		loop.NewTimer(func() { heal = w.Partition(w.Host("a")) }).Start(3 * time.Second)
		loop.NewTimer(func() { heal() }).Start(13 * time.Second)
		return twoLeaders(ctx, t, w)
	})
}

// mailed sends datagrams from app to db, and returns those that came within a minute, in their
// order.
func mailed(ctx context.Context, w *aiotest.World, texts ...string) (got []string, err error) {
	w.Host("db").Boot(func(ctx context.Context) error {
		p, err := openPost(ctx, 53)
		if err != nil {
			return err
		}
		defer p.t.Close()
		for {
			l, err := p.mail.Get(ctx)
			if err != nil {
				return err
			}
			got = append(got, l.text)
		}
	})
	ctx = w.Host("app").Context(ctx)
	if err := aio.Yield(ctx); err != nil { // db listens
		return nil, err
	}
	p, err := openPost(ctx, 0)
	if err != nil {
		return nil, err
	}
	defer p.t.Close()
	for _, text := range texts {
		if err := p.send(ctx, "db", text); err != nil {
			return nil, err
		}
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return nil, err
		}
	}
	return got, aio.Sleep(ctx, time.Minute)
}

func TestALostDatagramIsFound(t *testing.T) {
	faulty{
		program: func(ctx context.Context, t *aiotest.T, w *aiotest.World) error {
			got, err := mailed(ctx, w, "a", "b")
			if strings.Join(got, "") == "a" || strings.Join(got, "") == "b" {
				t.Errorf("one of two came")
			}
			return err
		},
		fault: aiotest.Faults{Lost: 1},
		fine:  aiotest.Faults{Duplicated: 1, Late: 1},
		fails: "one of two came",
		told:  "a datagram of 1 bytes from app to db is lost",
	}.foundAlone(t)
}

func TestADuplicatedDatagramIsFound(t *testing.T) {
	faulty{
		program: func(ctx context.Context, t *aiotest.T, w *aiotest.World) error {
			got, err := mailed(ctx, w, "+1", "+1")
			if len(got) > 2 {
				t.Errorf("the sum is %d, want 2", len(got))
			}
			return err
		},
		fault: aiotest.Faults{Duplicated: 1},
		fine:  aiotest.Faults{Lost: 1, Late: 1},
		fails: "the sum is 3, want 2",
		told:  "a datagram of 2 bytes from app to db arrives twice",
	}.foundAlone(t)
}

func TestAReorderedDatagramIsFound(t *testing.T) {
	faulty{
		program: func(ctx context.Context, t *aiotest.T, w *aiotest.World) error {
			got, err := mailed(ctx, w, "1", "2")
			if len(got) == 2 && got[1] == "1" {
				t.Errorf("the last position is 1, want 2")
			}
			return err
		},
		fault: aiotest.Faults{Late: 1},
		fine:  aiotest.Faults{Lost: 1},
		fails: "the last position is 1, want 2",
		told:  "a datagram of 1 bytes from app to db takes 10s longer",
	}.foundAlone(t)
}

func TestAFailureToResolveANameIsFound(t *testing.T) {
	faulty{
		program: func(ctx context.Context, t *aiotest.T, w *aiotest.World) error {
			w.Host("db").Boot(func(ctx context.Context) error {
				return lines(ctx, func(string) string { return "ok\n" })
			})
			ctx = w.Host("app").Context(ctx)
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			if _, err := transport.Resolve(ctx, "tcp", "db:80"); err != nil { // and never again
				t.Errorf("the address is not known: %v", err)
			}
			_, _ = ask(ctx, "db", "status")
			return nil
		},
		fault: aiotest.Faults{Lookups: 1},
		fine:  aiotest.Faults{Resets: 1, Partitions: 1},
		fails: "the address is not known: lookup tcp: lookup db on 10.0.0.53:53: server misbehaving",
		told:  "app cannot resolve db",
	}.foundAlone(t)
}

// A teller that crashes after it has taken money, and before it has given it, loses it.
func TestACrashBetweenTwoWritesIsFound(t *testing.T) {
	faulty{
		program: func(ctx context.Context, t *aiotest.T, w *aiotest.World) error {
			sum := map[string]int{"rich": 100, "poor": 0}
			for _, name := range []string{"rich", "poor"} {
				w.Host(name).Boot(func(ctx context.Context) error {
					return lines(ctx, func(line string) string {
						n, _ := strconv.Atoi(line)
						sum[name] += n
						return "ok\n"
					})
				})
			}
			done := false
			w.Host("teller").Boot(func(ctx context.Context) error {
				if done {
					return nil
				}
				done = true // each order once
				if _, err := ask(ctx, "rich", "-10"); err != nil {
					return nil
				}
				_, _ = ask(ctx, "poor", "10")
				return nil
			})
			if err := aio.Sleep(ctx, time.Minute); err != nil {
				return err
			}
			if sum["rich"] == 90 && sum["poor"] == 0 {
				t.Errorf("10 are lost")
			}
			return nil
		},
		fault: aiotest.Faults{Crashes: 1},
		fine:  aiotest.Faults{SlowReaders: 1},
		fails: "10 are lost",
		told:  "teller crashes",
	}.foundAlone(t)
}
