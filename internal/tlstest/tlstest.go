// Package tlstest makes certificates for tests.
package tlstest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// Authority is a certificate authority that only tests trust. Any goroutine may use it.
type Authority struct {
	tb   testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	last atomic.Int64 // serial number
}

// New makes an authority. Its certificates are valid around any time a test may pretend it is.
func New(tb testing.TB) *Authority {
	tb.Helper()
	a := &Authority{tb: tb, key: newKey(tb)}
	template := a.template("test authority")
	template.IsCA = true
	template.BasicConstraintsValid = true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	if err != nil {
		tb.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		tb.Fatal(err)
	}
	return a
}

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func (a *Authority) template(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(a.last.Add(1)),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:     time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
	}
}

// Certificate issues a certificate for the given host names and IP addresses, good for servers and
// clients.
func (a *Authority) Certificate(names ...string) tls.Certificate {
	a.tb.Helper()
	return a.CertificateFor(newKey(a.tb), names...)
}

// CertificateFor is Certificate for a key of the caller's.
func (a *Authority) CertificateFor(key crypto.Signer, names ...string) tls.Certificate {
	a.tb.Helper()
	template := a.template(names[0])
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth,
		x509.ExtKeyUsageClientAuth}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		a.tb.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// Pool returns the authority as trusted roots.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// Server returns the configuration of a server called localhost.
func (a *Authority) Server() *tls.Config {
	a.tb.Helper()
	own := a.Certificate("localhost", "127.0.0.1", "::1")
	return &tls.Config{Certificates: []tls.Certificate{own}}
}

// Client returns the configuration of a client that trusts the authority.
func (a *Authority) Client() *tls.Config { return &tls.Config{RootCAs: a.Pool()} }

// Files writes the authority's certificate, and one for localhost with its key, for programs that
// want files.
func (a *Authority) Files() (ca, cert, key string) {
	a.tb.Helper()
	dir := a.tb.TempDir()
	c := a.Certificate("localhost", "127.0.0.1", "::1")
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		a.tb.Fatal(err)
	}
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
		if err != nil {
			a.tb.Fatal(err)
		}
		return path
	}
	ca = write("ca.pem", "CERTIFICATE", a.cert.Raw)
	cert = write("cert.pem", "CERTIFICATE", c.Certificate[0])
	key = write("key.pem", "PRIVATE KEY", der)
	return ca, cert, key
}

// Root is the certificate of the authority itself, in DER.
func (a *Authority) Root() []byte { return a.cert.Raw }
