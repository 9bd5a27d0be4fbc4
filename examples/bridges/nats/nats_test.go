package nats

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/examples/bridges/internal/trial"
	"github.com/aio-go/aio/internal/leaktest"
	"github.com/aio-go/aio/internal/looptest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// broker is a server that can be stopped and started again.
type broker struct {
	t    *testing.T
	opts server.Options
	s    *server.Server
}

func serve(t *testing.T) *broker {
	port := netip.MustParseAddrPort(looptest.FreeAddress(t)).Port()
	b := &broker{t: t, opts: server.Options{
		ServerName: "test", JetStream: true, StoreDir: t.TempDir(), Host: "127.0.0.1",
		Port: int(port), NoSigs: true, NoLog: true,
	}}
	b.start()
	t.Cleanup(b.stop)
	return b
}

func (b *broker) start() {
	opts := b.opts // NewServer changes them
	s, err := server.NewServer(&opts)
	if err != nil {
		b.t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(time.Minute) {
		b.t.Fatal("the server does not start")
	}
	b.s = s
}

func (b *broker) stop() {
	b.s.Shutdown()
	b.s.WaitForShutdown()
}

func run(t *testing.T, b *broker, main func(ctx context.Context, nc *nats.Conn) error) {
	t.Helper()
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		nc, err := Connect(ctx, b.s.ClientURL(), nats.ReconnectWait(10*time.Millisecond))
		if err != nil {
			return err
		}
		defer Close(ctx, nc)
		return main(ctx, nc)
	})
	if err != nil {
		t.Fatal(err)
	}
	for b.s.NumClients() > 0 {
		time.Sleep(time.Millisecond) // the server notices in its own time
	}
}

func TestAMessageIsStoredOnceAndWorkedOnThroughTheDeathOfTheServer(t *testing.T) {
	b := serve(t)
	run(t, b, func(ctx context.Context, nc *nats.Conn) error {
		js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(time.Second))
		if err != nil {
			return err
		}
		stream, err := aio.ToThread(ctx, func(ctx context.Context) (jetstream.Stream, error) {
			return js.CreateStream(ctx, jetstream.StreamConfig{Name: "S", Subjects: []string{"jobs"}})
		})
		if err != nil {
			return err
		}
		consumer, err := aio.ToThread(ctx, func(ctx context.Context) (jetstream.Consumer, error) {
			return stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
				Durable: "worker", AckPolicy: jetstream.AckExplicitPolicy, AckWait: time.Second,
			})
		})
		if err != nil {
			return err
		}
		seen, again := map[int]bool{}, 0
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			worker := g.Go(func(ctx context.Context) error {
				for { // it is left now and then, as when a worker is replaced
					n := 0
					for m, err := range Consume(ctx, consumer) {
						if err != nil {
							return err
						}
						if n++; n == 3_000 {
							break // this message comes again
						}
						id, _ := strconv.Atoi(string(m.Data()))
						if meta, err := m.Metadata(); seen[id] && err == nil {
							if again++; meta.NumDelivered < 2 {
								t.Errorf("message %d came twice at its first delivery", id)
							}
						}
						seen[id] = true
					}
				}
			})
			account, err := trial.Run(ctx, 1, trial.Size(), func(ctx context.Context, id int) error {
				return Publish(ctx, js, "jobs", strconv.Itoa(id), strconv.AppendInt(nil, int64(id), 10))
			}, func(ctx context.Context) error {
				return aio.Blocking(ctx, func(context.Context) error {
					b.stop()
					b.start()
					return nil
				})
			})
			if err != nil {
				return err
			}
			info, err := aio.ToThread(ctx, func(ctx context.Context) (*jetstream.StreamInfo, error) {
				return stream.Info(ctx)
			})
			if err != nil {
				return err
			}
			for len(seen) < int(info.State.Msgs) {
				if err := aio.Sleep(ctx, time.Millisecond); err != nil {
					return err
				}
			}
			t.Log(account, "stored:", info.State.Msgs, "seen again:", again)
			if account.Failures == 0 {
				t.Error("nobody has noticed the death of the server")
			}
			if len(seen) != int(info.State.Msgs) {
				t.Errorf("stored: %d, seen: %d", info.State.Msgs, len(seen))
			}
			for id := range account.Done {
				if !seen[id] {
					t.Errorf("message %d is lost", id)
				}
			}
			for id := range seen {
				if !account.Done[id] && !account.Cancelled[id] {
					t.Errorf("message %d was never sent", id)
				}
			}
			worker.Cancel(nil)
			return nil
		})
	})
}

func TestRequestsAreAnsweredBySubscriptionsOfTasks(t *testing.T) {
	b := serve(t)
	run(t, b, func(ctx context.Context, nc *nats.Conn) error {
		answered := 0 // of the loop: no lock
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			ready := aiosync.NewBarrier(4)
			for range 3 { // members of a queue: each request goes to one of them
				member := g.Go(func(ctx context.Context) error {
					subscribed := func() {
						g.Go(func(ctx context.Context) error { _, err := ready.Wait(ctx); return err })
					}
					for m, err := range Subscribe(ctx, nc, "double", "workers", subscribed) {
						if err != nil {
							return err
						}
						answered++
						n, _ := strconv.Atoi(string(m.Data))
						if err := Respond(ctx, m, fmt.Append(nil, 2*n)); err != nil {
							return err
						}
					}
					return nil
				})
				defer member.Cancel(nil)
			}
			if _, err := ready.Wait(ctx); err != nil {
				return err
			}
			account, err := trial.Run(ctx, 2, trial.Size(), func(ctx context.Context, id int) error {
				m, err := Request(ctx, nc, "double", fmt.Append(nil, id))
				if err == nil && string(m.Data) != fmt.Sprint(2*id) {
					t.Errorf("twice %d is %s", id, m.Data)
				}
				return err
			}, nil)
			t.Log(account, "answered:", answered)
			if answered < len(account.Done) || answered > trial.Size() {
				t.Errorf("answered: %d", answered)
			}
			return err
		})
	})
}

func TestLeavingTheLoopOverMessagesEndsTheSubscription(t *testing.T) {
	b := serve(t)
	run(t, b, func(ctx context.Context, nc *nats.Conn) error {
		before := b.s.NumSubscriptions()
		subscribed := func() { _ = nc.Publish("x", []byte("hello")) }
		for m, err := range Subscribe(ctx, nc, "x", "", subscribed) {
			if err != nil || string(m.Data) != "hello" {
				t.Errorf("%v, %v", m, err)
			}
			break
		}
		task := aio.Start(ctx, func(ctx context.Context) error {
			self := aio.CurrentTask(ctx)
			for _, err := range Subscribe(ctx, nc, "y", "", func() { self.Cancel(nil) }) {
				return err
			}
			return nil
		})
		if _, err := task.Await(ctx); !errors.Is(err, aio.ErrCancelled) {
			t.Errorf("error: %v", err)
		}
		err := aio.Blocking(ctx, func(context.Context) error { return nc.Flush() })
		if n := b.s.NumSubscriptions(); n != before {
			t.Errorf("subscriptions: %d, before: %d", n, before)
		}
		return err
	})
}
