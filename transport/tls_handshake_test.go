package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"weak"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/tlstest"
)

// Conformance: TL-003, TL-007, TL-030.
func TestASecuredConnectionLooksLikeAnyOther(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, chunk := range []int{0, 1, 700} {
			t.Run(tls.VersionName(version), func(t *testing.T) {
				onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
					d := newDuo(t, aio.RunningLoop(ctx))
					d.ccfg.MaxVersion = version
					d.cpipe.chunk, d.spipe.chunk = chunk, chunk
					d.server.onData = func(p []byte) { d.server.t.Write(append([]byte("echo "), p...)) }
					d.connect(ctx, t)
					if d.client.t != d.clientTLS || d.server.t != d.serverTLS {
						t.Error("ConnectionMade and the caller got different transports")
					}
					d.client.t.Write([]byte("hello"))
					untilTrue(ctx, t, "the echo", func() bool {
						return len(d.client.received) == len("echo hello")
					})
					if got := string(d.client.received); got != "echo hello" {
						t.Errorf("received %q", got)
					}
					state, ok := d.client.t.TLSConnectionState()
					if !ok || state.Version != version || len(state.PeerCertificates) != 1 ||
						state.ServerName != "localhost" || state.CipherSuite == 0 {
						t.Errorf("connection state %v %+v", ok, state)
					}
					if _, ok := d.server.t.TLSConnectionState(); !ok {
						t.Error("the server's transport says it is not secured")
					}
					d.client.t.Close()
					d.bothLost(ctx, t)
					d.client.check(t, "made data lost")
					d.server.check(t, "made data eof lost")
					matches(t, errors.Join(d.client.err, d.server.err), nil)
				})
			})
		}
	}
}

// Conformance: TL-004.
func TestASlowHandshakeEndsWithAnErrorThatSaysSo(t *testing.T) {
	onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
		d := newDuo(t, aio.RunningLoop(ctx))
		silent := &diary{}
		d.spipe.start(silent)
		begin := aio.RunningLoop(ctx).Time()
		err := d.dial(ctx)
		matches(t, err, context.DeadlineExceeded, os.ErrDeadlineExceeded, syscall.ECONNABORTED)
		var ne net.Error
		if !errors.As(err, &ne) && !strings.Contains(err.Error(), "handshake is slow") {
			t.Errorf("error %v does not tell what happened", err)
		}
		var slow *HandshakeTimeoutError
		if !errors.As(err, &slow) || slow.After != time.Minute || !slow.Timeout() {
			t.Errorf("error %#v, want a time-out after a minute", err)
		}
		if took := aio.RunningLoop(ctx).Time().Sub(begin); took != time.Minute {
			t.Errorf("took %v, want a minute", took)
		}
		untilTrue(ctx, t, "the peer's loss", func() bool { return silent.lost })
		d.client.check(t, "")
	})
}

// Conformance: TL-004.
func TestAServerDoesNotWaitForeverForAHandshake(t *testing.T) {
	onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
		d := newDuo(t, aio.RunningLoop(ctx))
		d.sopts.handshakeTimeout = 5 * time.Second
		d.serve(aio.RunningLoop(ctx))
		silent := &diary{}
		d.cpipe.start(silent)
		if err := aio.Sleep(ctx, 4*time.Second); err != nil || silent.lost {
			t.Fatal(err, silent.lost)
		}
		if err := aio.Sleep(ctx, 2*time.Second); err != nil || !silent.lost || !d.spipe.aborted {
			t.Errorf("%v: after the time-out the connection is aborted: %v", err, d.spipe.aborted)
		}
		d.server.check(t, "")
		if !d.serverTLS.IsClosing() {
			t.Error("the transport is not closing")
		}
	})
}

// Conformance: TL-013, TL-031, CN-017.
func TestTLSOptionsRefuseNonsense(t *testing.T) {
	tlsPanics(t, func() { HandshakeTimeout(0) }, "HandshakeTimeout", "not positive")
	tlsPanics(t, func() { HandshakeTimeout(-time.Second) }, "HandshakeTimeout", "not positive")
	tlsPanics(t, func() { ShutdownTimeout(0) }, "ShutdownTimeout", "not positive")
	tlsPanics(t, func() { TLS(nil) }, "TLS", "nil")
	tlsPanics(t, func() { TLS(&tls.Config{Renegotiation: tls.RenegotiateFreelyAsClient}) }, "TLS",
		"renegotiation")
	tlsPanics(t, func() { gather("Connect", []Option{HandshakeTimeout(time.Second)}) }, "Connect",
		"without TLS")
}

// Conformance: TL-005.
func TestAnUntrustedCertificateFailsTheConnection(t *testing.T) {
	onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
		d := newDuo(t, aio.RunningLoop(ctx))
		d.ccfg = tlstest.New(t).Client()
		d.serve(aio.RunningLoop(ctx))
		err := d.dial(ctx)
		var unknown x509.UnknownAuthorityError
		var verification *tls.CertificateVerificationError
		if !errors.As(err, &unknown) || !errors.As(err, &verification) {
			t.Errorf("error %v, want one about the certificate", err)
		}
		untilTrue(ctx, t, "the end of both", func() bool { return d.cpipe.gone && d.spipe.gone })
		d.client.check(t, "")
		d.server.check(t, "")
	})
}

// Conformance: TL-006.
func TestAWrongHostNameFailsTheConnectionAndTheServerHearsNothing(t *testing.T) {
	onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
		d := newDuo(t, aio.RunningLoop(ctx))
		d.copts.serverName = "elsewhere.example"
		d.serve(aio.RunningLoop(ctx))
		err := d.dial(ctx)
		var wrong x509.HostnameError
		if !errors.As(err, &wrong) || wrong.Host != "elsewhere.example" {
			t.Errorf("error %v, want one about the host name", err)
		}
		untilTrue(ctx, t, "the end of both", func() bool { return d.cpipe.gone && d.spipe.gone })
		d.server.check(t, "")
	})
}

// Conformance: TL-008.
func TestAnOuterTimeoutEndsAHandshake(t *testing.T) {
	onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
		d := newDuo(t, aio.RunningLoop(ctx))
		silent := &diary{}
		d.spipe.start(silent)
		err := aio.Timeout(ctx, time.Second, func(ctx context.Context) error { return d.dial(ctx) })
		var outer *aio.TimeoutError
		if !errors.As(err, &outer) {
			t.Errorf("error %v, want the outer time-out", err)
		}
		if !d.cpipe.aborted {
			t.Error("the connection was not aborted")
		}
		untilTrue(ctx, t, "the peer's loss", func() bool { return silent.lost })
		matches(t, silent.err, syscall.ECONNRESET)
		d.client.check(t, "")
	})
}

func TestACancelledHandshakeAbortsTheConnection(t *testing.T) {
	onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
		d := newDuo(t, aio.RunningLoop(ctx))
		d.spipe.start(&diary{})
		task := aio.Start(ctx, d.dial)
		untilTrue(ctx, t, "the client's hello", func() bool { return d.cpipe.sends > 0 })
		task.Cancel(nil)
		_, err := task.Await(ctx)
		matches(t, err, aio.ErrCancelled)
		if !d.cpipe.aborted || !task.Cancelled() {
			t.Errorf("aborted %v, cancelled %v, want both", d.cpipe.aborted, task.Cancelled())
		}
		d.client.check(t, "")
	})
}

// Conformance: TL-009, TL-010, TL-011.
func TestAConnectionThatBreaksDuringTheHandshakeFailsIt(t *testing.T) {
	broken := errors.New("the cable was cut")
	for _, c := range []struct {
		name string
		ruin func(d *duo)
		want error
	}{
		{"TL-009 reset by the peer", func(d *duo) { d.spipe.Abort() }, syscall.ECONNRESET},
		{"reset by the peer, told apart", func(d *duo) { d.spipe.Abort() }, ErrHandshakeInterrupted},
		{"TL-010 end of file", func(d *duo) { d.spipe.Close() }, syscall.ECONNRESET},
		{"TL-011 lost with an error", func(d *duo) { d.cpipe.lose(broken) }, broken},
		{"lost with an error, told apart", func(d *duo) {
			d.cpipe.lose(broken)
		}, ErrHandshakeInterrupted},
		{"lost without one", func(d *duo) { d.cpipe.lose(nil) }, ErrHandshakeInterrupted},
	} {
		t.Run(c.name, func(t *testing.T) {
			onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
				d := newDuo(t, aio.RunningLoop(ctx))
				d.spipe.start(&diary{})
				task := aio.Start(ctx, d.dial)
				untilTrue(ctx, t, "the client's hello", func() bool { return d.cpipe.sends > 0 })
				c.ruin(d)
				_, err := task.Await(ctx)
				matches(t, err, c.want)
				untilTrue(ctx, t, "the end", func() bool { return d.cpipe.gone })
				d.client.check(t, "")
			})
		})
	}
}

// Conformance: TL-012.
func TestClosingDuringTheHandshakeAbortsTheRawTransport(t *testing.T) {
	for name, end := range map[string]func(Transport){
		"Close": Transport.Close,
		"Abort": Transport.Abort,
	} {
		t.Run(name, func(t *testing.T) {
			onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
				l := aio.RunningLoop(ctx)
				d := newDuo(t, l)
				tasks := len(l.AllTasks())
				d.serve(l)
				d.cpipe.start(&diary{})
				if len(l.AllTasks()) != tasks+1 {
					t.Fatal("a handshake has a task of its own")
				}
				aio.Yield(ctx)
				end(d.serverTLS)
				if !d.spipe.aborted || !d.serverTLS.IsClosing() {
					t.Errorf("aborted %v, closing %v, want both", d.spipe.aborted, d.serverTLS.IsClosing())
				}
				untilTrue(ctx, t, "the end of the handshake's task", func() bool {
					return len(l.AllTasks()) == tasks
				})
				d.server.check(t, "")
				end(d.serverTLS) // again
			})
		})
	}
}

// Conformance: TL-014.
func TestTheConnectionStateCanBeAskedForAtAnyTime(t *testing.T) {
	onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
		l := aio.RunningLoop(ctx)
		d := newDuo(t, l)
		d.serve(l)
		for !d.spipe.made {
			aio.Yield(ctx)
		}
		if _, ok := d.serverTLS.TLSConnectionState(); ok {
			t.Error("during the handshake there is nothing to tell")
		}
		if err := d.dial(ctx); err != nil {
			t.Fatal(err)
		}
		untilTrue(ctx, t, "the server's handshake", func() bool { return d.server.t != nil })
		d.client.t.Abort()
		d.bothLost(ctx, t)
		if state, ok := d.clientTLS.TLSConnectionState(); !ok || !state.HandshakeComplete {
			t.Error("after the loss the state of before is still known")
		}
		if d.clientTLS.Protocol() != nil {
			t.Error("after the loss the protocol is let go of")
		}
		if d.clientTLS.LocalAddr() == nil || d.clientTLS.RemoteAddr() == nil || d.clientTLS.Loop() != l {
			t.Error("the addresses and the loop stay available")
		}
	})
}

// Conformance: TL-028.
func TestAFailedConnectLetsGoOfTheConfiguration(t *testing.T) {
	onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
		dial := func() weak.Pointer[tls.Config] {
			d := newDuo(t, aio.RunningLoop(ctx))
			d.copts.handshakeTimeout = time.Second
			d.spipe.start(&diary{})
			w := weak.Make(d.ccfg)
			matches(t, d.dial(ctx), context.DeadlineExceeded)
			untilTrue(ctx, t, "the end", func() bool { return d.cpipe.gone && d.spipe.gone })
			return w
		}
		cfg := dial()
		aio.Yield(ctx)
		collected(t, "the configuration", func() bool { return cfg.Value() == nil })
	})
}

// Conformance: TL-028.
func TestAClosedConnectionLetsGoOfTheConfiguration(t *testing.T) {
	onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
		talk := func() weak.Pointer[tls.Config] {
			d := newDuo(t, aio.RunningLoop(ctx))
			d.connect(ctx, t)
			w := weak.Make(d.scfg)
			d.client.t.Close()
			d.bothLost(ctx, t)
			return w
		}
		cfg := talk()
		// the loop may remember the last task that ended
		aio.Start(ctx, func(context.Context) error { return nil }).Await(ctx)
		collected(t, "the configuration", func() bool { return cfg.Value() == nil })
	})
}

func TestPeersAgreeOnAProtocolNameAndShowCertificates(t *testing.T) {
	onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
		d := newDuo(t, aio.RunningLoop(ctx))
		d.ccfg.NextProtos = []string{"a", "b"}
		d.scfg.NextProtos = []string{"b", "c"}
		d.ccfg.Certificates = []tls.Certificate{d.auth.Certificate("alice")}
		d.scfg.ClientAuth = tls.RequireAndVerifyClientCert
		d.scfg.ClientCAs = d.auth.Pool()
		d.connect(ctx, t)
		cs, _ := d.client.t.TLSConnectionState()
		ss, _ := d.server.t.TLSConnectionState()
		if cs.NegotiatedProtocol != "b" || ss.NegotiatedProtocol != "b" {
			t.Errorf("agreed on %q and %q, want b", cs.NegotiatedProtocol, ss.NegotiatedProtocol)
		}
		if name := ss.PeerCertificates[0].Subject.CommonName; name != "alice" ||
			ss.ServerName != "localhost" {
			t.Errorf("the server sees %q who asked for %q", name, ss.ServerName)
		}
	})
}

func TestASessionIsResumedIfTheConfigurationHasACache(t *testing.T) {
	onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
		first := newDuo(t, aio.RunningLoop(ctx))
		first.ccfg.ClientSessionCache = tls.NewLRUClientSessionCache(1)
		first.connect(ctx, t)
		first.server.t.Write([]byte("x")) // behind the session ticket
		untilTrue(ctx, t, "the ticket", func() bool { return len(first.client.received) == 1 })
		second := newDuo(t, aio.RunningLoop(ctx))
		second.ccfg, second.scfg = first.ccfg, first.scfg
		second.connect(ctx, t)
		if state, _ := second.client.t.TLSConnectionState(); !state.DidResume {
			t.Error("the session was not resumed")
		}
	})
}

func TestACallbackOfTheConfigurationMayAwait(t *testing.T) {
	onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
		l := aio.RunningLoop(ctx)
		d := newDuo(t, l)
		cert := d.scfg.Certificates[0]
		d.scfg = &tls.Config{GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if hello.Conn.RemoteAddr() == nil {
				t.Error("the callback cannot see the peer's address")
			}
			return &cert, aio.Sleep(hello.Context(), time.Second)
		}}
		begin := l.Time()
		d.connect(ctx, t)
		if took := l.Time().Sub(begin); took != time.Second {
			t.Errorf("the handshake took %v, want the second of the callback", took)
		}
	})
}

func TestAPeerThatSendsOnWhileTheHandshakeWaitsIsHeldBack(t *testing.T) {
	onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
		d := newDuo(t, aio.RunningLoop(ctx))
		cert := d.scfg.Certificates[0]
		d.scfg = &tls.Config{GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			return &cert, aio.Sleep(hello.Context(), time.Hour)
		}}
		d.spipe.chunk = 16 << 10
		d.serve(aio.RunningLoop(ctx))
		task := aio.Start(ctx, d.dial)
		untilTrue(ctx, t, "the client's hello", func() bool { return d.cpipe.sends > 0 })
		for range 10 {
			d.cpipe.Write(make([]byte, 64<<10)) // not even TLS
			aio.Yield(ctx)
		}
		aio.Sleep(ctx, time.Second)
		if !d.spipe.paused {
			t.Error("the raw transport was not paused")
		}
		task.Cancel(nil)
		task.Await(ctx)
		aio.Sleep(ctx, time.Hour)
	})
}

func TestAPanicInACallbackOfTheConfigurationIsReportedAndEndsTheConnection(t *testing.T) {
	onLoop(t, func(ctx context.Context, reports *[]aio.Report) {
		d := newDuo(t, aio.RunningLoop(ctx))
		d.scfg = &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			panic("no certificate today")
		}}
		d.serve(aio.RunningLoop(ctx))
		matches(t, d.dial(ctx), syscall.ECONNRESET)
		if len(*reports) != 1 || !strings.Contains((*reports)[0].Err.Error(), "no certificate today") {
			t.Errorf("reports %v, want the panic", *reports)
		}
		*reports = nil
		d.server.check(t, "")
	})
}

func TestAPanicInConnectionMadeEndsTheConnection(t *testing.T) {
	onLoop(t, func(ctx context.Context, reports *[]aio.Report) {
		d := newDuo(t, aio.RunningLoop(ctx))
		d.serve(aio.RunningLoop(ctx))
		angry := &angryProtocol{}
		d.copts.tlsConfig = d.ccfg
		_, err := wrapClientTLS(ctx, d.cpipe.start, angry, &d.copts)
		var p *aio.PanicError
		if !errors.As(err, &p) || p.Value != "made" {
			t.Errorf("error %v, want the panic", err)
		}
		untilTrue(ctx, t, "the end", func() bool { return angry.lost })
		if len(*reports) != 1 || angry.err != err {
			t.Errorf("%d reports, lost with %v", len(*reports), angry.err)
		}
		*reports = nil
	})
}

type angryProtocol struct{ diary }

func (*angryProtocol) ConnectionMade(Transport) { panic("made") }

func TestAServerThatIsCancelledGivesItsHandshakesUp(t *testing.T) {
	onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
		l := aio.RunningLoop(ctx)
		d := newDuo(t, l)
		d.serve(l)
		d.cpipe.start(&diary{})
		aio.Sleep(ctx, time.Second)
		for _, task := range l.AllTasks() {
			if strings.HasPrefix(task.Name(), "TLS handshake") {
				task.Cancel(nil)
			}
		}
		untilTrue(ctx, t, "the end", func() bool { return d.spipe.gone })
		if !d.spipe.aborted {
			t.Error("the connection was not aborted")
		}
	})
}

// The raw connection ends in the same pass in which the last flight of the handshake arrives.
func TestAConnectionLostBehindTheHandshakeIsMadeAndLost(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(d *duo)
		want error
	}{
		{"reset", func(d *duo) { d.cpipe.lose(syscall.ECONNRESET) }, syscall.ECONNRESET},
		{"cut", func(d *duo) { d.spipe.Close() }, ErrTruncated},
		{"closed in order", func(d *duo) { d.server.t.Write([]byte("bye")); d.server.t.Close() }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
				d := newDuo(t, aio.RunningLoop(ctx))
				d.ccfg.MaxVersion = tls.VersionTLS12 // here the server has the last word
				d.serve(aio.RunningLoop(ctx))
				d.cpipe.stuck = true
				task := aio.Start(ctx, d.dial)
				for d.server.t == nil {
					d.cpipe.unstick(len(d.cpipe.out))
					aio.Yield(ctx)
				}
				d.cpipe.unstick(-1)
				c.end(d)
				_, err := task.Await(ctx)
				ok := err == nil
				untilTrue(ctx, t, "the loss", func() bool { return !ok || d.client.lost })
				if !ok {
					matches(t, err, c.want)
					return
				}
				matches(t, d.client.err, c.want)
				if got := d.client.events; got[0] != "made" || got[len(got)-1] != "lost" {
					t.Errorf("the protocol heard %q", got)
				}
			})
		})
	}
}

func TestTimeoutErrorsSayHowLongWasWaited(t *testing.T) {
	for _, err := range []error{&HandshakeTimeoutError{After: 7 * time.Second},
		&ShutdownTimeoutError{After: 7 * time.Second}, errWouldBlock} {
		var ne net.Error
		if !errors.As(err, &ne) && err != errWouldBlock && !strings.Contains(err.Error(), "7s") {
			t.Errorf("%v", err)
		}
		if timeout, ok := err.(interface{ Timeout() bool }); !ok || !timeout.Timeout() {
			t.Errorf("%v does not say that it is a time-out", err)
		}
		if !strings.HasPrefix(err.Error(), "transport: ") {
			t.Errorf("%v", err)
		}
	}
}

func TestAHandshakeIsATaskNamedAfterItsPeer(t *testing.T) {
	onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
		l := aio.RunningLoop(ctx)
		d := newDuo(t, l)
		d.serve(l)
		names := slices.Collect(func(yield func(string) bool) {
			for _, task := range l.AllTasks() {
				if !yield(task.Name()) {
					return
				}
			}
		})
		if !slices.ContainsFunc(names,
			func(s string) bool { return strings.HasPrefix(s, "TLS handshake with ") }) {
			t.Errorf("tasks %q", names)
		}
		d.serverTLS.Abort()
	})
}
