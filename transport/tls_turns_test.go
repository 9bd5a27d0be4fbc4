package transport

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/tlstest"
)

func TestHandshakesTakeTurnsInOrder(t *testing.T) {
	inLoop(t, nil, func(ctx context.Context, e *env) {
		const n = 14
		s := newTurnstile(e.loop)
		steps, pass := map[int]int{}, 0 // by pass
		var order []int
		var tasks []*aio.Task[struct{}]
		all := make([]*tlsTransport, n)
		for i := range n {
			all[i] = &tlsTransport{loop: e.loop}
			tasks = append(tasks, aio.Start(ctx, func(ctx context.Context) error {
				err := s.step(ctx, all[i])
				if err == nil {
					order = append(order, i)
					if i != 6 { // the one that is given up comes on top
						steps[pass]++
					}
				}
				return err
			}))
		}
		e.turn(ctx)
		pass++
		tasks[5].Cancel(nil)   // cancelled in the line
		all[6].inLine.Unpark() // given up in the line
		for ; len(order) < n-1; pass++ {
			e.turn(ctx)
		}
		if i := handshakeSteps; order[i] != 6 ||
			!slices.IsSorted(slices.Delete(slices.Clone(order), i, i+1)) {
			t.Errorf("the order is %v", order)
		}
		for pass, n := range steps {
			if n > handshakeSteps {
				t.Errorf("%d steps in pass %d", n, pass)
			}
		}
		for _, task := range tasks {
			task.Await(ctx)
		}
		e.settle(ctx)
		if len(s.line) != 0 || s.armed || s.left != handshakeSteps {
			t.Errorf("left behind: %d in line, armed %v, %d steps", len(s.line), s.armed, s.left)
		}
	})
}

// The time in the line is part of the time for the handshake.
func TestAHandshakeThatGetsNoTurnIsCutOffInTime(t *testing.T) {
	onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
		l := aio.RunningLoop(ctx)
		d := newDuo(t, l)
		turns := hubOf(l).turns
		turns.left, turns.armed = 0, true // no callback renews them
		err := d.dial(ctx)
		var late *HandshakeTimeoutError
		if !errors.As(err, &late) {
			t.Errorf("got %v, want the time-out", err)
		}
		if len(turns.line) != 0 {
			t.Error("it is still in the line")
		}
		turns.armed = false
		turns.arm()
	})
}

// slowKey is a private key that signs when the loop has made a step: never, if it signs on the
// loop.
type slowKey struct {
	crypto.Signer
	loop *aio.Loop
	used *int
}

func (k slowKey) Sign(r io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	went := make(chan struct{})
	k.loop.CallSoonThreadsafe(func() { *k.used++; close(went) })
	select {
	case <-went:
		return k.Signer.Sign(r, digest, opts)
	case <-time.After(guard):
		return nil, errors.New("the loop stands still")
	}
}

func TestTheLoopGoesOnWhileAHandshakeIsSigned(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, way := range []string{"Certificates", "GetCertificate", "GetConfigForClient",
			"the client's Certificates", "GetClientCertificate"} {
			t.Run(tls.VersionName(version)+" "+way, func(t *testing.T) {
				onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
					d := newDuo(t, aio.RunningLoop(ctx))
					key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
					if err != nil {
						t.Fatal(err)
					}
					used := 0
					cert := d.auth.CertificateFor(key, "localhost")
					cert.PrivateKey = slowKey{key, aio.RunningLoop(ctx), &used}
					d.scfg.MaxVersion = version
					switch way {
					case "Certificates":
						d.scfg.Certificates = []tls.Certificate{cert}
					case "GetCertificate":
						d.scfg.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
							return &cert, nil
						}
					case "GetConfigForClient":
						other := &tls.Config{Certificates: []tls.Certificate{cert}}
						d.scfg.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
							return other, nil
						}
					case "the client's Certificates":
						d.ccfg.Certificates = []tls.Certificate{cert}
					case "GetClientCertificate":
						d.ccfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
							return &cert, nil
						}
					}
					if strings.Contains(way, "lient's") || way == "GetClientCertificate" {
						d.scfg.ClientAuth, d.scfg.ClientCAs = tls.RequireAndVerifyClientCert, d.auth.Pool()
					}
					d.scfg = hubOf(aio.RunningLoop(ctx)).turns.signBeside(d.scfg) // as Listen does
					d.connect(ctx, t)
					if used != 1 {
						t.Errorf("%d signatures", used)
					}
					d.client.t.Write([]byte("hello"))
					untilTrue(ctx, t, "the data", func() bool { return string(d.server.received) == "hello" })
				})
			})
		}
	}
}

func TestAnUpgradeIsSignedBesideTheLoop(t *testing.T) {
	onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
		d := newDuo(t, aio.RunningLoop(ctx))
		used := 0
		cert := &d.scfg.Certificates[0]
		cert.PrivateKey = slowKey{cert.PrivateKey.(crypto.Signer), aio.RunningLoop(ctx), &used}
		d.plain(ctx, t)
		d.upgrade(ctx, t)
		if used != 1 {
			t.Errorf("%d signatures", used)
		}
	})
}

func TestAHandshakeThatIsCancelledWhileItIsSignedEndsSo(t *testing.T) {
	onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
		d := newDuo(t, aio.RunningLoop(ctx))
		cert := d.auth.Certificate("client")
		stuck, release := make(chan struct{}), make(chan struct{})
		cert.PrivateKey = stuckKey{cert.PrivateKey.(crypto.Signer), stuck, release}
		d.ccfg.Certificates = []tls.Certificate{cert}
		d.scfg.ClientAuth, d.scfg.ClientCAs = tls.RequireAnyClientCert, d.auth.Pool()
		d.serve(aio.RunningLoop(ctx))
		dial := aio.Start(ctx, d.dial)
		if _, _, err := aio.Recv(ctx, stuck); err != nil {
			t.Fatal(err)
		}
		dial.Cancel(nil)
		_, err := dial.Await(ctx)
		matches(t, err, aio.ErrCancelled)
		if !dial.Cancelled() || !d.cpipe.gone {
			t.Errorf("cancelled %v, connection gone %v", dial.Cancelled(), d.cpipe.gone)
		}
		close(release)
		d.client.check(t, "")
	})
}

// stuckKey is a private key that says when it is to sign, and does when it may.
type stuckKey struct {
	crypto.Signer
	asked, release chan struct{}
}

func (k stuckKey) Sign(r io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	close(k.asked)
	<-k.release
	return k.Signer.Sign(r, digest, opts)
}

func TestKeysThatAreFastSignOnTheLoop(t *testing.T) {
	p256, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	p384, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	large, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		key  crypto.PrivateKey
		slow bool
	}{{p256, false}, {ed, false}, {nil, false}, {p384, true}, {large, true},
		{slowKey{Signer: p256}, true}} {
		if got := isSlow(c.key); got != c.slow {
			t.Errorf("%T: slow %v, want %v", c.key, got, c.slow)
		}
	}
	inLoop(t, nil, func(ctx context.Context, e *env) {
		s := newTurnstile(e.loop)
		fast := &tls.Config{Certificates: []tls.Certificate{{PrivateKey: p256}}}
		if s.signBeside(fast) != fast {
			t.Error("a configuration with fast keys is copied")
		}
		given := &tls.Config{Certificates: []tls.Certificate{{PrivateKey: large}, {PrivateKey: p256}}}
		copied := s.signBeside(given)
		if copied == given || s.signBeside(given) != copied || s.copy(copied) != copied {
			t.Error("a configuration with slow keys is to be copied once")
		}
		if given.Certificates[0].PrivateKey != large {
			t.Error("the configuration was changed")
		}
		if _, ok := copied.Certificates[0].PrivateKey.(crypto.Decrypter); !ok {
			t.Error("an RSA key decrypts as well")
		}
		if copied.Certificates[1].PrivateKey != p256 {
			t.Error("the fast key was replaced")
		}
	})
}

// Servers with one configuration know each other's sessions, also where its keys sign beside the
// loop.
func TestSessionsOfSlowKeysAreResumedByEveryServerOfTheConfiguration(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		ca := tlstest.New(t)
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		cfg := &tls.Config{
			Certificates: []tls.Certificate{ca.CertificateFor(key, "localhost")},
			MaxVersion:   version,
		}
		client := ca.Client()
		client.ClientSessionCache = tls.NewLRUClientSessionCache(1)
		for resumed := range 2 {
			onLoop(t, func(ctx context.Context, _ *[]aio.Report) { // each on a loop of its own
				d := newDuo(t, aio.RunningLoop(ctx))
				d.ccfg, d.scfg = client, hubOf(aio.RunningLoop(ctx)).turns.signBeside(cfg)
				d.connect(ctx, t)
				d.server.t.Write([]byte("x")) // behind the session ticket
				untilTrue(ctx, t, "the ticket", func() bool { return len(d.client.received) == 1 })
				if state, _ := d.client.t.TLSConnectionState(); state.DidResume != (resumed == 1) {
					t.Errorf("%s: resumed %v in connection %d", tls.VersionName(version), state.DidResume, resumed)
				}
			})
		}
	}
}

// TLS 1.2 knows a key exchange without signatures, in which the server decrypts.
func TestTheKeyExchangeOfRSADecryptsBesideTheLoop(t *testing.T) {
	onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
		d := newDuo(t, aio.RunningLoop(ctx))
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		suites := []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}
		d.scfg = &tls.Config{
			Certificates: []tls.Certificate{d.auth.CertificateFor(key, "localhost")},
			MaxVersion:   tls.VersionTLS12,
			CipherSuites: suites,
		}
		d.ccfg.CipherSuites = suites
		d.scfg = hubOf(aio.RunningLoop(ctx)).turns.signBeside(d.scfg)
		d.connect(ctx, t)
	})
}

func TestAServerCountsAndReportsHandshakesThatFail(t *testing.T) {
	var logged bytes.Buffer
	defer slog.SetDefault(slog.Default())
	slog.SetDefault(slog.New(slog.NewTextHandler(&logged,
		&slog.HandlerOptions{Level: slog.LevelDebug})))
	ca, other := tlstest.New(t), tlstest.New(t)
	onEach(t, func(t *testing.T, n Network) {
		logged.Reset()
		inLoop(t, n, func(ctx context.Context, e *env) {
			var c collect
			s, err := Listen(ctx, "tcp", "127.0.0.1:0", c.factory, TLS(ca.Server()),
				HandshakeTimeout(time.Second))
			e.ok(err)
			address := s.Addrs()[0].String()
			failed := func(n int) {
				t.Helper()
				for s.Statistics().HandshakesFailed < n {
					e.ok(aio.Sleep(ctx, time.Millisecond))
				}
				if got := s.Statistics().HandshakesFailed; got != n {
					t.Errorf("%d failed, want %d", got, n)
				}
			}
			_, err = Connect(ctx, "tcp", address, &recorder{}, TLS(other.Client()), ServerName("localhost"))
			if err == nil {
				t.Error("the certificate is good")
			}
			failed(1)
			// garbage, and a peer that leaves at once
			for i, text := range []string{"GET / HTTP/1.1\r\n\r\n", ""} {
				p := &recorder{}
				tr, err := Connect(ctx, "tcp", address, p)
				e.ok(err)
				port := fmt.Sprint("peer=", tr.LocalAddr())
				tr.Write([]byte(text))
				tr.Close()
				failed(2 + i)
				if !strings.Contains(logged.String(), port) ||
					!strings.Contains(logged.String(), "TLS handshake failed") {
					t.Errorf("logged: %s", &logged)
				}
			}
			silent, err := Connect(ctx, "tcp", address, &recorder{}) // until the time is over
			e.ok(err)
			failed(4)
			silent.Abort()
			good, err := Connect(ctx, "tcp", address, &recorder{}, TLS(ca.Client()), ServerName("localhost"))
			e.ok(err)
			c.await(ctx, e, 1)
			good.Abort()
			waits, err := Connect(ctx, "tcp", address, &recorder{}) // which the server itself ends
			e.ok(err)
			for s.Statistics().Accepted < 6 {
				e.turn(ctx)
			}
			s.Close()
			s.AbortClients()
			e.ok(s.WaitClosed(ctx))
			waits.Abort()
			failed(4)
		})
	})
}

func TestAServerCountsUpgradesThatFail(t *testing.T) {
	ca := tlstest.New(t)
	inLoop(t, Native(), func(ctx context.Context, e *env) {
		var c collect
		c.setup = func(r *recorder) { r.keep = true }
		s, err := Listen(ctx, "tcp", "127.0.0.1:0", c.factory)
		e.ok(err)
		tr, err := Connect(ctx, "tcp", s.Addrs()[0].String(), &recorder{})
		e.ok(err)
		c.await(ctx, e, 1)
		tr.Close()
		if _, err := StartTLS(ctx, c.made[0].t, ca.Server(), true); err == nil {
			t.Error("it succeeded")
		}
		if got := s.Statistics().HandshakesFailed; got != 1 {
			t.Errorf("%d failed", got)
		}
		s.Close()
		e.ok(s.WaitClosed(ctx))
	})
}

// However the messages of many peers come in, also while their handshakes wait in line, few compute
// in one pass.
func TestManyHellosAtOnceAreSpreadOverPasses(t *testing.T) {
	const n = 10 * handshakeSteps
	ca := tlstest.New(t)
	hello := helloOf(t, ca)
	onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
		l := aio.RunningLoop(ctx)
		computed := 0
		cfg := ca.Server()
		cfg.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
			computed++
			return nil, nil
		}
		var duos []*duo
		for range n {
			d := &duo{auth: ca, server: &diary{}, scfg: cfg}
			d.cpipe, d.spipe = newPipes(l)
			d.cpipe.start(&diary{})
			d.serve(l)
			duos = append(duos, d)
		}
		for range 5 {
			aio.Yield(ctx)
		}
		for _, d := range duos {
			d.cpipe.Write(hello)
		}
		for last := 0; computed < n; last = computed {
			aio.Yield(ctx)
			if got := computed - last; got > handshakeSteps {
				t.Fatalf("%d handshakes have computed in one pass", got)
			}
			for _, d := range duos {
				d.cpipe.Write([]byte{22}) // the first byte of something that never comes
			}
		}
		for _, d := range duos {
			d.serverTLS.Abort()
			d.cpipe.Abort()
		}
	})
}
