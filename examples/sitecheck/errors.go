package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/examples/internal/places"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// notHTTPError holds the first thing that a server said which does not speak HTTP.
type notHTTPError struct{ line []byte }

func (e *notHTTPError) Error() string { return fmt.Sprintf("not an HTTP status line: %q", e.line) }

// notHTTP keeps the beginning of a line.
func notHTTP(line []byte) error {
	return &notHTTPError{slices.Clone(line[:min(len(line), longestPhrase)])}
}

// reason says in plain words why a site did not answer.
//
// Errors of the libraries are told apart with errors.Is and errors.As, the particular ones first.
func reason(err error) string {
	var (
		badURL  *badURLError
		late    *aio.TimeoutError
		unknown *net.DNSError
		garbage *notHTTPError
		astray  *badRedirectError
		endless *redirectsError
	)
	switch {
	case errors.As(err, &astray):
		return astray.Error()
	case errors.As(err, &endless):
		return endless.Error()
	case errors.As(err, &badURL):
		return badURL.Error()
	case errors.As(err, &late):
		return "no answer within " + shortDuration(late.After)
	case errors.Is(err, places.ErrPrivate):
		return "a redirect to a private address, which -public forbids"
	case errors.As(err, &unknown):
		return reasonOfLookup(unknown)
	case errors.As(err, &garbage):
		return reasonOfGarbage(garbage.line)
	case errors.Is(err, stream.ErrLimit):
		return "not a website: it sends one endless line"
	}
	for _, why := range []func(error) string{reasonOfTLS, reasonOfConnection} {
		if text := why(err); text != "" {
			return text
		}
	}
	return err.Error()
}

func reasonOfLookup(err *net.DNSError) string {
	switch {
	case err.IsNotFound:
		return "unknown name: there is no host " + err.Name
	case err.IsTimeout:
		return "the name server does not answer"
	}
	return "looking up " + err.Name + " failed: " + err.Err
}

func reasonOfGarbage(line []byte) string {
	const alert = "\x15\x03" // how a TLS server begins to complain
	if strings.HasPrefix(string(line), alert) {
		return "the site speaks TLS; try https://"
	}
	const enough = 40
	if len(line) > enough {
		return fmt.Sprintf("not a website: it says %q...", line[:enough])
	}
	return fmt.Sprintf("not a website: it says %q", line)
}

func reasonOfTLS(err error) string {
	var (
		stranger x509.UnknownAuthorityError
		name     x509.HostnameError
		invalid  x509.CertificateInvalidError
		refused  *tls.CertificateVerificationError
		plain    tls.RecordHeaderError
		remote   *net.OpError
	)
	switch {
	case errors.As(err, &stranger):
		return "bad certificate: signed by nobody this machine trusts"
	case errors.As(err, &name):
		return "bad certificate: it is not for " + name.Host
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		if time.Now().Before(invalid.Cert.NotBefore) {
			return "bad certificate: not valid before " +
				invalid.Cert.NotBefore.Format(time.DateOnly)
		}
		return "bad certificate: expired on " + invalid.Cert.NotAfter.Format(time.DateOnly)
	case errors.As(err, &refused):
		return "bad certificate: " + refused.Err.Error()
	case errors.As(err, &plain):
		if string(plain.RecordHeader[:]) == "HTTP/" {
			return "TLS failed: the site speaks plain HTTP; try http://"
		}
		return "TLS failed: the site does not speak it"
	case errors.Is(err, transport.ErrHandshakeInterrupted):
		return "TLS failed: the site closed the connection during the handshake"
	case errors.As(err, &remote) && remote.Op == "remote error":
		return "TLS failed: the site refused the handshake: " + remote.Err.Error()
	case strings.Contains(err.Error(), "tls: "): // most errors of crypto/tls have no type
		return "TLS failed: " + err.Error()
	}
	return ""
}

func reasonOfConnection(err error) string {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused: nothing listens there"
	case errors.Is(err, syscall.ENOENT):
		return "there is no such socket"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "there is no way to this host"
	case errors.Is(err, syscall.ETIMEDOUT), errors.Is(err, context.DeadlineExceeded):
		return "the host does not react"
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return "too many connections for this machine; try a lower -limit"
	case errors.Is(err, io.EOF), errors.Is(err, transport.ErrTruncated),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "the site closed the connection without an answer"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "the site closed the connection in the middle of its answer"
	}
	return ""
}

// worthAnotherTry tells failures that may pass from those that will be the same in a second.
func worthAnotherTry(err error) bool {
	var (
		badURL      *badURLError
		garbage     *notHTTPError
		certificate *tls.CertificateVerificationError
		plain       tls.RecordHeaderError
		lookup      *net.DNSError
		endless     *redirectsError
	)
	switch {
	case errors.Is(err, places.ErrPrivate), errors.As(err, &badURL), errors.As(err, &endless),
		errors.As(err, &garbage), errors.As(err, &certificate), errors.As(err, &plain):
		return false
	case errors.As(err, &lookup):
		return !lookup.IsNotFound
	}
	return true
}
