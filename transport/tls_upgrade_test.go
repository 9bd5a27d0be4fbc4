package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

// plain connects two protocols without TLS.
func (d *duo) plain(ctx context.Context, t *testing.T) {
	t.Helper()
	d.cpipe.start(d.client)
	d.spipe.start(d.server)
	untilTrue(ctx, t, "the connection", func() bool { return d.client.t != nil && d.server.t != nil })
	d.ccfg.ServerName = "localhost"
}

// upgrade secures both sides.
func (d *duo) upgrade(ctx context.Context, t *testing.T, opts ...Option) {
	t.Helper()
	server := aio.CreateTask(ctx, func(ctx context.Context) (Transport, error) {
		return StartTLS(ctx, d.server.t, d.scfg, true, opts...)
	})
	aio.Yield(ctx) // the server is ready before the client's hello is under way
	client, err := StartTLS(ctx, d.client.t, d.ccfg, false)
	if err != nil {
		t.Fatalf("the client's upgrade: %v", err)
	}
	d.client.t = client
	if d.server.t, err = server.Await(ctx); err != nil {
		t.Fatalf("the server's upgrade: %v", err)
	}
}

// Conformance: TL-017, TL-020.
func TestAPlainConnectionCanBeSecuredInTheMiddle(t *testing.T) {
	onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
		d := newDuo(t, aio.RunningLoop(ctx))
		d.plain(ctx, t)
		d.client.t.Write([]byte("STARTTLS\n"))
		untilTrue(ctx, t, "the request", func() bool {
			return len(d.server.received) == len("STARTTLS\n")
		})
		d.upgrade(ctx, t)
		d.client.t.Write([]byte("secret"))
		d.server.t.Write([]byte("answer"))
		untilTrue(ctx, t, "the data", func() bool {
			return len(d.server.received) == 15 && len(d.client.received) == 6
		})
		if _, ok := d.server.t.TLSConnectionState(); !ok {
			t.Error("the transport says it is not secured")
		}
		d.client.t.Close()
		d.bothLost(ctx, t)
		d.client.check(t, "made data lost")
		d.server.check(t, "made data eof lost")
		if string(d.server.received) != "STARTTLS\nsecret" || string(d.client.received) != "answer" {
			t.Errorf("received %q and %q", d.server.received, d.client.received)
		}
	})
}

// Conformance: TL-018.
func TestABufferedProtocolGoesOnAfterAnUpgrade(t *testing.T) {
	onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
		d := newDuo(t, aio.RunningLoop(ctx))
		d.plain(ctx, t)
		c := &collector{buf: make([]byte, 4)}
		d.server.t.SetProtocol(c)
		d.upgrade(ctx, t)
		d.client.t.Write([]byte("abcdef"))
		untilTrue(ctx, t, "the data", func() bool { return len(c.received) == 6 })
		next := &diary{}
		d.server.t.SetProtocol(next)
		d.client.t.Write([]byte("gh"))
		d.client.t.Close()
		untilTrue(ctx, t, "the end", func() bool { return next.lost })
		c.check(t, "")
		next.check(t, "data eof lost")
		if string(c.received) != "abcdef" || string(next.received) != "gh" {
			t.Errorf("received %q and %q", c.received, next.received)
		}
	})
}

func TestBytesThatCameTooEarlyAreHandedToTheUpgrade(t *testing.T) {
	onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
		d := newDuo(t, aio.RunningLoop(ctx))
		d.plain(ctx, t)
		client := aio.CreateTask(ctx, func(ctx context.Context) (Transport, error) {
			return StartTLS(ctx, d.client.t, d.ccfg, false)
		})
		untilTrue(ctx, t, "the client's hello", func() bool { return len(d.server.received) > 0 })
		_, err := StartTLS(ctx, d.server.t, d.scfg, true, AlreadyReceived(d.server.received))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Await(ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestAPausedTransportIsResumedByTheUpgrade(t *testing.T) {
	onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
		d := newDuo(t, aio.RunningLoop(ctx))
		d.plain(ctx, t)
		d.server.t.PauseReading()
		d.upgrade(ctx, t)
		if !d.server.t.IsReading() {
			t.Error("the secured transport does not read")
		}
	})
}

func TestWritingThatWasPausedBeforeAnUpgradeResumesDuringIt(t *testing.T) {
	onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
		d := newDuo(t, aio.RunningLoop(ctx))
		d.plain(ctx, t)
		d.cpipe.stuck = true
		d.client.t.Write(make([]byte, 100_000))
		d.client.check(t, "made pause")
		task := aio.Start(ctx, func(ctx context.Context) error {
			_, err := StartTLS(ctx, d.client.t, d.ccfg, false)
			return err
		})
		aio.Yield(ctx)
		d.cpipe.unstick(-1)
		d.client.check(t, "made pause resume")
		d.spipe.Abort()
		task.Await(ctx)
	})
}

// Conformance: TL-021.
func TestAnUpgradeThatCannotBeginTouchesNothing(t *testing.T) {
	onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
		d := newDuo(t, aio.RunningLoop(ctx))
		d.plain(ctx, t)
		tlsPanics(t, func() { StartTLS(ctx, nil, d.ccfg, false) }, "StartTLS", "nil")
		tlsPanics(t, func() { StartTLS(ctx, d.client.t, nil, false) }, "nil")
		if _, err := StartTLS(ctx, d.client.t, d.auth.Client(), false); err == nil {
			t.Error("a client needs a server name")
		}
		if d.cpipe.proto != d.client || d.cpipe.IsClosing() {
			t.Error("the connection was touched")
		}
		d.client.t.Close()
		if _, err := StartTLS(ctx, d.client.t, d.ccfg, false); !errors.Is(err, net.ErrClosed) {
			t.Errorf("on a closed transport: %v", err)
		}
	})
}

func TestAFailedUpgradeEndsTheConnection(t *testing.T) {
	for _, c := range []struct {
		name string
		ruin func(d *duo)
		opts []Option
		want error
	}{
		{"reset", func(d *duo) { d.spipe.Abort() }, nil, syscall.ECONNRESET},
		{"end of file", func(d *duo) { d.spipe.Close() }, nil, ErrHandshakeInterrupted},
		{"closed here", func(d *duo) { d.client.t.Close() }, nil, ErrHandshakeInterrupted},
		{"slow", func(d *duo) {}, []Option{HandshakeTimeout(time.Second)}, context.DeadlineExceeded},
	} {
		t.Run(c.name, func(t *testing.T) {
			onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
				d := newDuo(t, aio.RunningLoop(ctx))
				d.plain(ctx, t)
				task := aio.Start(ctx, func(ctx context.Context) error {
					_, err := StartTLS(ctx, d.client.t, d.ccfg, false, c.opts...)
					return err
				})
				untilTrue(ctx, t, "the client's hello", func() bool { return len(d.server.received) > 0 })
				c.ruin(d)
				_, err := task.Await(ctx)
				matches(t, err, c.want)
				untilTrue(ctx, t, "the loss", func() bool { return d.client.lost })
				matches(t, d.client.err, c.want)
				d.client.check(t, "made lost")
			})
		})
	}
}

func TestACancelledUpgradeAbortsTheConnection(t *testing.T) {
	onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
		d := newDuo(t, aio.RunningLoop(ctx))
		d.plain(ctx, t)
		err := aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
			_, err := StartTLS(ctx, d.client.t, d.ccfg, false)
			return err
		})
		matches(t, err, context.DeadlineExceeded)
		untilTrue(ctx, t, "the loss", func() bool { return d.client.lost && d.server.lost })
		if !d.cpipe.aborted {
			t.Error("the connection was not aborted")
		}
	})
}

// Conformance: TL-023.
func TestTLSRunsInsideTLS(t *testing.T) {
	connected(t, func(ctx context.Context, d *duo) {
		d.ccfg.ServerName = "localhost"
		outer := d.client.t
		d.upgrade(ctx, t)
		data := noise(300_000)
		d.server.onData = func(p []byte) { d.server.t.Write(p) }
		d.client.t.Write(data)
		untilTrue(ctx, t, "the echo", func() bool { return len(d.client.received) == len(data) })
		if d.client.t == outer {
			t.Error("the upgrade returned the outer transport")
		}
		d.client.t.Close()
		d.bothLost(ctx, t)
		if d.client.err != nil || d.server.err != nil {
			t.Errorf("lost with %v and %v", d.client.err, d.server.err)
		}
		if _, ok := outer.TLSConnectionState(); !ok {
			t.Error("the outer layer forgot itself")
		}
	})
}

func TestTheServerNameOptionWinsOverTheConfiguration(t *testing.T) {
	onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
		d := newDuo(t, aio.RunningLoop(ctx))
		d.plain(ctx, t)
		d.ccfg.ServerName = "elsewhere.example"
		var asked string
		scfg := d.scfg
		d.scfg = &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			asked = hello.ServerName
			return scfg, nil
		}}
		server := aio.Start(ctx, func(ctx context.Context) error {
			_, err := StartTLS(ctx, d.server.t, d.scfg, true)
			return err
		})
		aio.Yield(ctx)
		if _, err := StartTLS(ctx, d.client.t, d.ccfg, false, ServerName("localhost")); err != nil {
			t.Fatal(err)
		}
		server.Await(ctx)
		if asked != "localhost" || d.ccfg.ServerName != "elsewhere.example" {
			t.Errorf("asked for %q, the configuration says %q", asked, d.ccfg.ServerName)
		}
	})
}
