package transport

import (
	"bytes"
	"crypto/fips140"
	"crypto/tls"
	"crypto/x509"
	"time"
)

// A peer chooses the certificates that it shows. crypto/x509 checks up to 100 signatures to find a
// chain among them. A few certificates with keys of P-521 or RSA-4096 make that take tens of
// milliseconds. So certificates are verified on another goroutine, as signatures are made.
// crypto/tls has no hook for that. It gets a configuration that leaves verification to the
// callbacks, and these do what crypto/tls does.

// verifyBeside returns the configuration of t's side. If that verifies at all, it does so off the
// loop.
//
// crypto/tls itself verifies, on the loop, in FIPS mode and with Encrypted Client Hello, which have
// rules of their own. It also does for clients with a cache of sessions: it does not resume one
// whose certificate has expired.
func (t *tlsTransport) verifyBeside(cfg *tls.Config) *tls.Config {
	if fips140.Enabled() || !t.answers && (cfg.InsecureSkipVerify || cfg.ServerName == "" ||
		cfg.EncryptedClientHelloConfigList != nil || cfg.ClientSessionCache != nil) {
		return cfg
	}
	v := &verification{t: t, given: cfg}
	cfg = cfg.Clone()
	if t.answers {
		switch cfg.ClientAuth {
		case tls.VerifyClientCertIfGiven:
			cfg.ClientAuth = tls.RequestClientCert
		case tls.RequireAndVerifyClientCert:
			cfg.ClientAuth = tls.RequireAnyClientCert
		default:
			return v.given
		}
	} else {
		cfg.InsecureSkipVerify = true
	}
	cfg.VerifyConnection = v.connection // also of a session that is resumed
	if v.given.VerifyPeerCertificate != nil {
		cfg.VerifyPeerCertificate = v.peer
	}
	return cfg
}

// verification verifies the certificates of one connection. t.chains has the result.
type verification struct {
	t     *tlsTransport
	given *tls.Config
	shown *x509.Certificate // the peer's certificate, to which chains belongs
}

// peer is tls.Config.VerifyPeerCertificate.
func (v *verification) peer(raw [][]byte, _ [][]*x509.Certificate) error {
	var certs []*x509.Certificate
	for _, der := range raw {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return err
		}
		certs = append(certs, c)
	}
	if err := v.verify(certs); err != nil {
		return err
	}
	return v.given.VerifyPeerCertificate(raw, v.t.chains)
}

// connection is tls.Config.VerifyConnection.
func (v *verification) connection(state tls.ConnectionState) error {
	if err := v.verify(state.PeerCertificates); err != nil {
		return err
	}
	if v.given.VerifyConnection == nil {
		return nil
	}
	state.VerifiedChains = v.t.chains
	return v.given.VerifyConnection(state)
}

// verify finds the chains of certs if it has not yet. A client without a certificate needs none.
func (v *verification) verify(certs []*x509.Certificate) error {
	switch {
	case len(certs) == 0 && v.t.answers:
		return nil
	case len(certs) == 0: // crypto/tls has refused it already
		return &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}
	case v.shown != nil && bytes.Equal(v.shown.Raw, certs[0].Raw):
		return nil
	}
	opts := x509.VerifyOptions{Intermediates: x509.NewCertPool(), CurrentTime: time.Now()}
	if v.given.Time != nil {
		opts.CurrentTime = v.given.Time()
	}
	if v.t.answers {
		opts.Roots = v.given.ClientCAs
		opts.KeyUsages = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	} else {
		opts.Roots, opts.DNSName = v.given.RootCAs, v.given.ServerName
	}
	for _, c := range certs[1:] {
		opts.Intermediates.AddCert(c)
	}
	chains, err := apart(v.t.turns, func() ([][]*x509.Certificate, error) {
		chains, err := certs[0].Verify(opts)
		if err != nil {
			err = &tls.CertificateVerificationError{UnverifiedCertificates: certs, Err: err}
		}
		return chains, err
	})
	if err == nil {
		v.shown, v.t.chains = certs[0], chains
	}
	return err
}
