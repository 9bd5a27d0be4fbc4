package transport

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/tlstest"
)

// BenchmarkHandshake measures full handshakes over real sockets, both sides on one loop. They are
// counted by the kind of the server's key, which decides where it signs.
func BenchmarkHandshake(b *testing.B) {
	for _, kind := range []struct {
		name string
		key  func() (crypto.Signer, error)
	}{
		{"ECDSA P-256", func() (crypto.Signer, error) {
			return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		}},
		{"P-384", func() (crypto.Signer, error) {
			return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
		}},
		{"RSA of 2048 bits", func() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, 2048) }},
	} {
		for _, clients := range []int{1, 32} {
			b.Run(kind.name+"/"+map[int]string{
				1:  "1 at a time",
				32: "32 at a time",
			}[clients], func(b *testing.B) {
				ca := tlstest.New(b)
				key, err := kind.key()
				if err != nil {
					b.Fatal(err)
				}
				cfg := &tls.Config{Certificates: []tls.Certificate{ca.CertificateFor(key, "localhost")}}
				err = aio.Run(b.Context(), func(ctx context.Context) error {
					s, err := Listen(ctx, "tcp", "127.0.0.1:0",
						func() Protocol { return BaseProtocol{} }, TLS(cfg))
					if err != nil {
						return err
					}
					defer s.Close()
					left := b.N
					return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
						for range clients {
							g.Go(func(ctx context.Context) error {
								for ; left > 0; left-- {
									t, err := Connect(ctx, "tcp", s.Addrs()[0].String(), BaseProtocol{}, TLS(ca.Client()),
										ServerName("localhost"))
									if err != nil {
										return err
									}
									t.Abort()
								}
								return nil
							})
						}
						return nil
					})
				})
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "handshakes/s")
			})
		}
	}
}
