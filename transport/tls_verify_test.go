package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/tlstest"
)

// patientPool trusts the certificates of auth once the loop has made a step: never, if the loop
// verifies.
func patientPool(t *testing.T, l *aio.Loop, auth *tlstest.Authority, used *int) *x509.CertPool {
	root, err := x509.ParseCertificate(auth.Root())
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCertWithConstraint(root, func([]*x509.Certificate) error {
		went := make(chan struct{})
		l.CallSoonThreadsafe(func() { *used++; close(went) })
		select {
		case <-went:
			return nil
		case <-time.After(guard):
			return errors.New("the loop stands still")
		}
	})
	return pool
}

var tlsVersions = []uint16{tls.VersionTLS12, tls.VersionTLS13}

func TestTheLoopGoesOnWhileCertificatesAreVerified(t *testing.T) {
	for _, version := range tlsVersions {
		for _, side := range []string{"client", "server", "server, by GetConfigForClient",
			"server, if given"} {
			t.Run(tls.VersionName(version)+" "+side, func(t *testing.T) {
				onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
					l := aio.RunningLoop(ctx)
					d := newDuo(t, l)
					d.scfg.MaxVersion = version
					used := 0
					pool := patientPool(t, l, d.auth, &used)
					if side == "client" {
						d.ccfg.RootCAs = pool
					} else {
						d.ccfg.Certificates = []tls.Certificate{d.auth.Certificate("me")}
						d.scfg.ClientAuth, d.scfg.ClientCAs = tls.RequireAndVerifyClientCert, pool
						if side == "server, if given" {
							d.scfg.ClientAuth = tls.VerifyClientCertIfGiven
						}
						if side == "server, by GetConfigForClient" {
							inner := d.scfg
							d.scfg = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
								return inner, nil
							}}
						}
					}
					d.scfg = hubOf(l).turns.signBeside(d.scfg) // as Listen does
					d.connect(ctx, t)
					verified, other := d.client.t, d.server.t
					if side != "client" {
						verified, other = other, verified
					}
					state, _ := verified.TLSConnectionState()
					if used == 0 || len(state.VerifiedChains) != 1 || len(state.VerifiedChains[0]) != 2 {
						t.Errorf("%d questions, the chains are %v", used, state.VerifiedChains)
					}
					if state, _ := other.TLSConnectionState(); side != "client" && len(state.VerifiedChains) == 0 {
						t.Error("the client has not verified")
					}
					d.client.t.Write([]byte("hello"))
					untilTrue(ctx, t, "the data", func() bool { return string(d.server.received) == "hello" })
				})
			})
		}
	}
}

// The same certificates are accepted and refused as by crypto/tls.
func TestVerificationIsThatOfTLS(t *testing.T) {
	later := func() time.Time { return time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC) }
	for _, c := range []struct {
		name    string
		prepare func(d *duo, other *tlstest.Authority)
		want    any // target of errors.As for the client's error; nil: none
		refused bool
	}{
		{"all in order", func(*duo, *tlstest.Authority) {}, nil, false},
		{"an unknown authority", func(d *duo, other *tlstest.Authority) {
			d.ccfg.RootCAs = other.Pool()
		}, new(x509.UnknownAuthorityError), false},
		{"another name", func(d *duo, _ *tlstest.Authority) {
			d.copts.serverName = "elsewhere.example"
		}, new(x509.HostnameError), false},
		{"expired", func(d *duo, _ *tlstest.Authority) {
			d.ccfg.Time = later
		}, new(x509.CertificateInvalidError), false},
		{"not to be verified", func(d *duo, other *tlstest.Authority) {
			d.ccfg.RootCAs, d.ccfg.InsecureSkipVerify = other.Pool(), true
		}, nil, false},
		{"a client's certificate", func(d *duo, _ *tlstest.Authority) {
			d.scfg.ClientAuth, d.scfg.ClientCAs = tls.RequireAndVerifyClientCert, d.auth.Pool()
			d.ccfg.Certificates = []tls.Certificate{d.auth.Certificate("me")}
		}, nil, false},
		{"a stranger's certificate", func(d *duo, other *tlstest.Authority) {
			d.scfg.ClientAuth, d.scfg.ClientCAs = tls.RequireAndVerifyClientCert, other.Pool()
			d.ccfg.Certificates = []tls.Certificate{d.auth.Certificate("me")}
		}, nil, true},
		{"a stranger's certificate, which need not be", func(d *duo, other *tlstest.Authority) {
			d.scfg.ClientAuth, d.scfg.ClientCAs = tls.VerifyClientCertIfGiven, other.Pool()
			cert := d.auth.Certificate("me")
			d.ccfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				return &cert, nil
			}
		}, nil, true},
		{"an expired client", func(d *duo, _ *tlstest.Authority) {
			d.scfg.ClientAuth, d.scfg.ClientCAs = tls.RequireAndVerifyClientCert, d.auth.Pool()
			d.scfg.Time = later
			d.ccfg.Certificates = []tls.Certificate{d.auth.Certificate("me")}
		}, nil, true},
		{"no certificate", func(d *duo, _ *tlstest.Authority) {
			d.scfg.ClientAuth, d.scfg.ClientCAs = tls.RequireAndVerifyClientCert, d.auth.Pool()
		}, nil, true},
		{"no certificate, which need not be", func(d *duo, _ *tlstest.Authority) {
			d.scfg.ClientAuth, d.scfg.ClientCAs = tls.VerifyClientCertIfGiven, d.auth.Pool()
		}, nil, false},
	} {
		for _, version := range tlsVersions {
			t.Run(c.name+" "+tls.VersionName(version), func(t *testing.T) {
				onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
					l := aio.RunningLoop(ctx)
					d := newDuo(t, l)
					d.scfg.MaxVersion = version
					c.prepare(d, tlstest.New(t))
					d.scfg = hubOf(l).turns.signBeside(d.scfg)
					d.serve(l)
					err := d.dial(ctx)
					switch {
					case c.refused: // since TLS 1.3 the client learns it later
						untilTrue(ctx, t, "the server's end", func() bool {
							return d.serverTLS.(*tlsTransport).state >= tlsFailed
						})
						if d.server.t != nil {
							t.Error("the server's application has a connection")
						}
					case c.want == nil:
						if err != nil {
							t.Fatal(err)
						}
						untilTrue(ctx, t, "the server's handshake", func() bool { return d.server.t != nil })
					case err == nil || !errors.As(err, new(*tls.CertificateVerificationError)) ||
						!errors.As(err, c.want):
						t.Errorf("the client's error is %v", err)
					}
				})
			})
		}
	}
}

func TestCallbacksThatLookAtCertificatesGetTheChains(t *testing.T) {
	for _, version := range tlsVersions {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
				l := aio.RunningLoop(ctx)
				d := newDuo(t, l)
				d.scfg.MaxVersion = version
				calls := 0
				for _, cfg := range []*tls.Config{d.ccfg, d.scfg} {
					cfg.VerifyPeerCertificate = func(raw [][]byte, chains [][]*x509.Certificate) error {
						if calls++; len(raw) != 1 || len(chains) != 1 || !bytes.Equal(chains[0][0].Raw, raw[0]) {
							t.Errorf("%d certificates, chains %v", len(raw), chains)
						}
						return nil
					}
					cfg.VerifyConnection = func(state tls.ConnectionState) error {
						if calls++; len(state.VerifiedChains) != 1 {
							t.Errorf("chains %v", state.VerifiedChains)
						}
						return aio.Yield(l.Context()) // they may await
					}
				}
				d.scfg.ClientAuth, d.scfg.ClientCAs = tls.RequireAndVerifyClientCert, d.auth.Pool()
				d.ccfg.Certificates = []tls.Certificate{d.auth.Certificate("me")}
				d.scfg = hubOf(l).turns.signBeside(d.scfg)
				d.connect(ctx, t)
				if calls != 4 {
					t.Errorf("%d calls", calls)
				}
			})
		})
	}
}

// A session that is resumed is verified anew.
func TestASessionIsResumedOnlyWithACertificateThatIsGoodStill(t *testing.T) {
	for _, version := range tlsVersions {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
				l := aio.RunningLoop(ctx)
				base := newDuo(t, l)
				ccfg, scfg := base.ccfg, base.scfg
				scfg.MaxVersion = version
				scfg.ClientAuth, scfg.ClientCAs = tls.RequireAndVerifyClientCert, base.auth.Pool()
				ccfg.Certificates = []tls.Certificate{base.auth.Certificate("me")}
				ccfg.ClientSessionCache = tls.NewLRUClientSessionCache(8)
				connect := func(scfg *tls.Config) *duo {
					d := newDuo(t, l)
					d.ccfg, d.scfg = ccfg, scfg
					d.serve(l)
					if d.dial(ctx) == nil {
						for !d.client.lost && len(d.client.received) == 0 {
							if d.server.t != nil {
								d.server.t.Write([]byte("x")) // behind the ticket
							}
							aio.Yield(ctx)
						}
					}
					return d
				}
				beside := hubOf(l).turns.signBeside(scfg)
				for i := range 2 {
					d := connect(beside)
					if d.server.t == nil {
						t.Fatal("the handshake failed")
					}
					state, _ := d.server.t.TLSConnectionState()
					if state.DidResume != (i > 0) || len(state.VerifiedChains) != 1 {
						t.Errorf("connection %d: resumed %v, chains %v", i, state.DidResume, state.VerifiedChains)
					}
				}
				scfg.ClientCAs = tlstest.New(t).Pool() // the next connection gets another configuration
				if d := connect(hubOf(l).turns.copy(scfg)); d.server.t != nil {
					t.Error("a session of a client that nobody trusts any more goes on")
				}
			})
		})
	}
}

// Nothing waits for a verification, a signature or a look-up whose connection has gone. Its failure
// is not reported.
func TestAVerificationThatFailsBehindALostConnectionIsNotReported(t *testing.T) {
	onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
		l := aio.RunningLoop(ctx)
		d := newDuo(t, l)
		root, err := x509.ParseCertificate(d.auth.Root())
		if err != nil {
			t.Fatal(err)
		}
		began, released := make(chan struct{}), make(chan struct{})
		d.ccfg.RootCAs = x509.NewCertPool()
		d.ccfg.RootCAs.AddCertWithConstraint(root, func([]*x509.Certificate) error {
			close(began)
			<-released
			return errors.New("refused")
		})
		d.serve(l)
		dialing := aio.Start(ctx, d.dial)
		if _, _, err := aio.Recv(ctx, began); err != nil {
			t.Fatal(err)
		}
		goroutines := runtime.NumGoroutine()
		close(released)
		// it fails before the cancellation, which the loop sees first
		for runtime.NumGoroutine() >= goroutines {
			runtime.Gosched()
		}
		dialing.Cancel(nil)
		if _, err := dialing.Await(ctx); !errors.Is(err, aio.ErrCancelled) {
			t.Errorf("the client's handshake: %v", err)
		}
		signers := hubOf(l).turns.signers
		untilTrue(ctx, t, "the end of the verification", func() bool {
			return signers.Statistics().Borrowed == 0
		})
	})
}
