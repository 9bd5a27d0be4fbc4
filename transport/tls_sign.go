package transport

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/tls"
	"io"
	"slices"

	"github.com/aio-go/aio"
)

// isSlow reports whether a signature with key takes so long that it is not made on the loop. RSA
// takes milliseconds, large curves some tenths of one, and a key in a module or a service any time.
// P-256 and Ed25519 take 20 to 40 µs, less than the hand-over to another goroutine.
func isSlow(key crypto.PrivateKey) bool {
	switch k := key.(type) {
	case *ecdsa.PrivateKey:
		return k.Curve != elliptic.P256()
	case ed25519.PrivateKey, besideSigner, besideDecrypter:
		return false
	case crypto.Signer:
		return true
	}
	return false
}

// signBeside returns cfg, or a copy whose slow keys sign on another goroutine while the handshake's
// task waits. The last copy is kept: its session ticket keys serve the next connection as well.
func (s *turnstile) signBeside(cfg *tls.Config) *tls.Config {
	if cfg != s.given {
		s.given, s.beside = cfg, s.copy(cfg)
		if s.beside == cfg {
			s.given, s.beside = nil, nil // keep nothing that is not used
			return cfg
		}
		if cfg.WrapSession == nil && cfg.UnwrapSession == nil { // tickets stay those of cfg
			s.beside.WrapSession, s.beside.UnwrapSession = cfg.EncryptTicket, cfg.DecryptTicket
		}
	}
	return s.beside
}

// copy returns cfg itself if no key in it may be slow.
func (s *turnstile) copy(cfg *tls.Config) *tls.Config {
	static := slices.ContainsFunc(cfg.Certificates, func(c tls.Certificate) bool {
		return isSlow(c.PrivateKey)
	})
	verifies := cfg.ClientAuth >= tls.VerifyClientCertIfGiven
	if !static && !verifies && cfg.GetCertificate == nil && cfg.GetClientCertificate == nil &&
		cfg.GetConfigForClient == nil {
		return cfg
	}
	given := cfg
	cfg = cfg.Clone()
	if static {
		cfg.Certificates = slices.Clone(cfg.Certificates)
		for i := range cfg.Certificates {
			cfg.Certificates[i] = *s.certificate(&cfg.Certificates[i])
		}
	}
	if get := given.GetCertificate; get != nil {
		cfg.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			c, err := get(hello)
			return s.certificate(c), err
		}
	}
	if get := given.GetClientCertificate; get != nil {
		cfg.GetClientCertificate = func(
			request *tls.CertificateRequestInfo,
		) (*tls.Certificate, error) {
			c, err := get(request)
			return s.certificate(c), err
		}
	}
	if get := given.GetConfigForClient; get != nil || verifies {
		cfg.GetConfigForClient = func(hello *tls.ClientHelloInfo) (c *tls.Config, err error) {
			if get != nil {
				if c, err = get(hello); err != nil {
					return nil, err
				}
			}
			switch {
			case c != nil:
				c = s.copy(c)
			case verifies:
				c = cfg
			default:
				return nil, nil
			}
			if bio, ours := hello.Conn.(*memoryBIO); ours {
				c = bio.addr.(*tlsTransport).verifyBeside(c)
			}
			return c, nil
		}
	}
	return cfg
}

// certificate returns c, or a copy with another key.
func (s *turnstile) certificate(c *tls.Certificate) *tls.Certificate {
	if c == nil || !isSlow(c.PrivateKey) {
		return c
	}
	copied := *c
	key := besideSigner{c.PrivateKey.(crypto.Signer), s}
	copied.PrivateKey = key
	if d, ok := c.PrivateKey.(crypto.Decrypter); ok {
		copied.PrivateKey = besideDecrypter{key, d}
	}
	return &copied
}

// besideSigner is a private key whose signatures are made beside the loop.
type besideSigner struct {
	crypto.Signer
	turns *turnstile
}

func (k besideSigner) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return apart(k.turns, func() ([]byte, error) { return k.Signer.Sign(rand, digest, opts) })
}

// SignMessage hashes msg unless the key itself signs messages.
func (k besideSigner) SignMessage(
	rand io.Reader, msg []byte, opts crypto.SignerOpts,
) ([]byte, error) {
	return apart(k.turns, func() ([]byte, error) {
		return crypto.SignMessage(k.Signer, rand, msg, opts)
	})
}

// besideDecrypter is a besideSigner that decrypts as well, for the oldest key exchange of RSA.
type besideDecrypter struct {
	besideSigner
	crypto.Decrypter
}

func (k besideDecrypter) Public() crypto.PublicKey { return k.besideSigner.Public() }

func (k besideDecrypter) Decrypt(
	rand io.Reader, msg []byte, opts crypto.DecrypterOpts,
) ([]byte, error) {
	return apart(k.turns, func() ([]byte, error) { return k.Decrypter.Decrypt(rand, msg, opts) })
}

// apart runs fn on another goroutine. The running task, which does a handshake, waits for it.
func apart[T any](s *turnstile, fn func() (T, error)) (T, error) {
	return onThread(s.loop.Context(), func(context.Context) (T, error) { return fn() },
		aio.LimitedBy(s.signers))
}
