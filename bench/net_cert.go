package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"time"
)

// prepareNet makes ready what all servers need: a certificate, which they find
// through the environment, and descriptors for the work with most connections.
func prepareNet(works []work) (cleanup func(), err error) {
	if err := checkNet(); err != nil {
		return nil, err
	}
	limit, err := raiseDescriptorLimit()
	if err != nil {
		return nil, fmt.Errorf("raising the limit of descriptors: %w", err)
	}
	for _, w := range works {
		if need := w.conns + 100; need > limit {
			return nil, fmt.Errorf("%s needs %d descriptors, the limit is %d; "+
				"-scale makes it smaller", w.name, need, limit)
		}
	}
	dir, err := os.MkdirTemp("", "aio-bench")
	if err != nil {
		return nil, err
	}
	cleanup = func() { os.RemoveAll(dir) }
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if err := writeCertificate(cert, key); err != nil {
		cleanup()
		return nil, fmt.Errorf("making a certificate: %w", err)
	}
	return cleanup, errors.Join(os.Setenv(certEnv, cert), os.Setenv(keyEnv, key))
}

// writeCertificate writes a certificate that vouches for itself.
func writeCertificate(certFile, keyFile string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
		DNSNames:     []string{"localhost"},
	}
	cert, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{
			Type:  "CERTIFICATE",
			Bytes: cert,
		}), 0o600),
		os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{
			Type:  "PRIVATE KEY",
			Bytes: secret,
		}), 0o600))
}
