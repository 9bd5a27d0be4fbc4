//go:build unix

package mqtt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"
	broker "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/examples/bridges/internal/trial"
	"github.com/aio-go/aio/internal/leaktest"
	"github.com/aio-go/aio/internal/looptest"
)

// TestMain is also the broker that is killed: with its address and its file.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "broker" {
		fmt.Fprintln(os.Stderr, serveDiary(os.Args[2], os.Args[3]))
		os.Exit(1)
	}
	leaktest.Main(m)
}

// server is a broker in this process that can be stopped and started again. It then knows nothing
// of sessions and messages.
type server struct {
	t      *testing.T
	broker *broker.Server
	addr   string
}

func serve(t *testing.T) *server {
	s := &server{t: t, addr: looptest.FreeAddress(t)}
	s.start()
	t.Cleanup(func() { s.broker.Close() })
	return s
}

func (s *server) start() {
	s.broker = broker.New(&broker.Options{Logger: slog.New(slog.DiscardHandler)})
	ln, err := net.Listen("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, err := range []error{
		s.broker.AddHook(new(auth.AllowHook), nil),
		s.broker.AddListener(listeners.NewNet("net", ln)),
		s.broker.Serve(),
	} {
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *server) config(id string) autopaho.ClientConfig {
	return autopaho.ClientConfig{
		ServerUrls:            []*url.URL{{Scheme: "mqtt", Host: s.addr}},
		KeepAlive:             20,
		SessionExpiryInterval: 3600,
		ReconnectBackoff:      func(int) time.Duration { return 10 * time.Millisecond },
		ClientConfig:          paho.ClientConfig{ClientID: id, PacketTimeout: 10 * time.Second},
	}
}

// with connects, calls fn and closes the client.
func with(
	ctx context.Context, config autopaho.ClientConfig, fn func(ctx context.Context, c *Client) error,
) error {
	c, err := Dial(ctx, config)
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	return fn(ctx, c)
}

func run(t *testing.T, main func(ctx context.Context) error) {
	t.Helper()
	if err := aio.Run(t.Context(), main); err != nil {
		t.Fatal(err)
	}
}

func TestTheAccountIsExactWithEachQualityOfService(t *testing.T) {
	s := serve(t)
	run(t, func(ctx context.Context) error {
		return with(ctx, s.config("sensors"), func(ctx context.Context, sensors *Client) error {
			return with(ctx, s.config("dashboard"), func(ctx context.Context, dashboard *Client) error {
				return account(ctx, t, sensors, dashboard, 0, nil)
			})
		})
	})
}

// The broker is killed in the middle. What it had acknowledged arrives all the same.
func TestTheAccountIsExactAfterTheDeathOfTheBroker(t *testing.T) {
	s := &server{t: t, addr: looptest.FreeAddress(t)}
	ready := func() error {
		conn, err := net.Dial("tcp", s.addr)
		if err == nil {
			conn.Close()
		}
		return err
	}
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b := trial.Start(t, dir, ready, self, "broker", s.addr, filepath.Join(dir, "diary"))
	run(t, func(ctx context.Context) error {
		return with(ctx, s.config("sensors"), func(ctx context.Context, sensors *Client) error {
			return with(ctx, s.config("dashboard"), func(ctx context.Context, dashboard *Client) error {
				return account(ctx, t, sensors, dashboard, 1, func(ctx context.Context) error {
					return aio.Blocking(ctx, func(context.Context) error {
						b.Kill()
						b.Restart()
						return nil
					})
				})
			})
		})
	})
}

// account publishes with the qualities of service from least to 2, and returns when all that the
// broker has acknowledged has arrived.
func account(
	ctx context.Context, t *testing.T, sensors, dashboard *Client,
	least int, halfway func(ctx context.Context) error,
) error {
	seen, again := map[int]bool{}, 0
	return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
		listening := aio.NewFuture[aio.None](ctx)
		reader := g.Go(func(ctx context.Context) error {
			subscribed := func() { _ = listening.SetResult(aio.None{}) }
			for m, err := range dashboard.Subscribe(ctx, "sensors/+/value", 2, subscribed) {
				if err != nil {
					return err
				}
				id, _ := strconv.Atoi(string(m.Payload))
				if seen[id] {
					again++
				}
				seen[id] = true
			}
			return nil
		})
		if _, err := listening.Await(ctx); err != nil {
			return err
		}
		account, err := trial.Run(ctx, 1, trial.Size(), func(ctx context.Context, id int) error {
			return sensors.Publish(ctx, &paho.Publish{
				Topic: fmt.Sprintf("sensors/%d/value", id%10), QoS: byte(least + id%(3-least)),
				Payload: fmt.Append(nil, id),
			})
		}, halfway)
		if err != nil {
			return err
		}
		missing := func() (n int) {
			for id := range account.Done {
				if !seen[id] {
					n++
				}
			}
			return n
		}
		for deadline := time.Now().Add(time.Minute); missing() > 0; {
			if time.Now().After(deadline) {
				return fmt.Errorf("messages lost: %d of %v", missing(), account)
			}
			if err := aio.Sleep(ctx, 10*time.Millisecond); err != nil {
				return fmt.Errorf("%w: messages lost: %d of %v", err, missing(), account)
			}
		}
		for id := range seen {
			if !account.Done[id] && !account.Cancelled[id] {
				t.Errorf("message %d was never sent", id)
			}
		}
		t.Log(account, "seen:", len(seen), "again:", again)
		if again > 0 && halfway == nil && account.Failures == 0 {
			t.Errorf("messages that came twice: %d", again)
		}
		reader.Cancel(nil)
		return nil
	})
}

func TestASequenceGoesOnAfterTheDeathOfTheServer(t *testing.T) {
	s := serve(t)
	run(t, func(ctx context.Context) error {
		return with(ctx, s.config("one"), func(ctx context.Context, c *Client) error {
			return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				publish := func(ctx context.Context) error {
					for i := 0; ; i++ {
						m := &paho.Publish{Topic: "t", QoS: 1, Payload: fmt.Append(nil, i)}
						if err := c.Publish(ctx, m); errors.Is(err, aio.ErrCancelled) {
							return err
						}
						if err := aio.Sleep(ctx, time.Millisecond); err != nil {
							return err
						}
					}
				}
				var publisher *aio.Task[aio.None]
				got, last := 0, -1
				for m, err := range c.Subscribe(ctx, "t", 1, func() { publisher = g.Go(publish) }) {
					if err != nil {
						return err
					}
					i, _ := strconv.Atoi(string(m.Payload))
					if i <= last {
						t.Errorf("message %d after %d", i, last)
					}
					last = i
					switch got++; got {
					case 50:
						err := aio.Blocking(ctx, func(context.Context) error {
							s.broker.Close()
							s.start()
							return nil
						})
						if err != nil {
							return err
						}
					case 100:
						publisher.Cancel(nil)
						return nil
					}
				}
				return nil
			})
		})
	})
}

func TestTheWillOfAClientThatDiesIsPublished(t *testing.T) {
	s := serve(t)
	run(t, func(ctx context.Context) error {
		return with(ctx, s.config("watcher"), func(ctx context.Context, watcher *Client) error {
			dying := s.config("dying")
			dying.WillMessage = &paho.WillMessage{Topic: "gone", QoS: 1, Payload: []byte("dying")}
			dying.WillProperties = &paho.WillProperties{WillDelayInterval: new(uint32)}
			return with(ctx, dying, func(ctx context.Context, c *Client) error {
				for m, err := range watcher.Subscribe(ctx, "gone", 1, c.cm.TerminateConnectionForTest) {
					if err != nil || string(m.Payload) != "dying" {
						t.Errorf("%v, %v", m, err)
					}
					break
				}
				return nil
			})
		})
	})
}

func TestLeavingTheLoopEndsTheSubscription(t *testing.T) {
	s := serve(t)
	run(t, func(ctx context.Context) error {
		return with(ctx, s.config("one"), func(ctx context.Context, c *Client) error {
			for qos := range byte(3) {
				subscribed := func() {
					aio.Start(ctx, func(ctx context.Context) error {
						return c.Publish(ctx, &paho.Publish{Topic: "a/b", QoS: qos, Payload: []byte("x")})
					})
				}
				for m, err := range c.Subscribe(ctx, "a/#", qos, subscribed) {
					if err != nil || string(m.Payload) != "x" || m.QoS != qos {
						t.Errorf("QoS %d: %v, %v", qos, m, err)
					}
					break
				}
			}
			task := aio.Start(ctx, func(ctx context.Context) error {
				self := aio.CurrentTask(ctx)
				for _, err := range c.Subscribe(ctx, "y", 0, func() { self.Cancel(nil) }) {
					return err
				}
				return nil
			})
			if _, err := task.Await(ctx); !errors.Is(err, aio.ErrCancelled) {
				t.Errorf("error: %v", err)
			}
			if client, ok := s.broker.Clients.Get("one"); !ok || client.State.Subscriptions.Len() > 0 {
				t.Errorf("the server knows of subscriptions: %v", client.State.Subscriptions.GetAll())
			}
			return nil
		})
	})
}

func TestATopicMatchesAFilter(t *testing.T) {
	for _, c := range []struct {
		topics, topic string
		want          bool
	}{
		{"a/b", "a/b", true}, {"a/b", "a", false}, {"a", "a/b", false}, {"a/+", "a/b", true},
		{"a/+", "a/b/c", false}, {"+/b", "a/b", true}, {"#", "a/b/c", true}, {"#", "$SYS/x", false},
		{"a/#", "a", true}, {"a/#", "a/b/c", true}, {"a/#", "ab", false}, {"+", "a", true},
		{"+/+", "/a", true}, {"$SYS/#", "$SYS/x", true}, {"$share/g/a/+", "a/b", true},
		{"a/+/c", "a/b/c", true}, {"a/+", "a/", true}, {"a/+", "a", false},
	} {
		if Matches(c.topics, c.topic) != c.want {
			t.Errorf("%q and %q: %v", c.topics, c.topic, !c.want)
		}
	}
}
