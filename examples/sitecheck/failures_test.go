package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio/examples/internal/certs"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// failure is a site that does not answer, and what is said about it.
type failure struct{ name, url, reason string }

// slowSites starts those that answer too late.
func slowSites(v village) []failure {
	return []failure{
		{"slow site", "http://" + v.serve(saysNothing) + "/", "no answer within 50ms"},
		{"slow TLS handshake", "https://" + v.serve(saysNothing) + "/", "no answer within 50ms"},
	}
}

// failingSites starts a site for every other way of failing.
func failingSites(t *testing.T, v village) []failure {
	t.Helper()
	plain := func(handler stream.Handler) string { return "http://" + v.serve(handler) + "/" }
	secure := func(cfg *tls.Config) string {
		return "https://" + v.serve(isWell, transport.TLS(cfg)) + "/"
	}
	with := func(template *x509.Certificate) *tls.Config {
		template.IPAddresses = append(template.IPAddresses, net.IPv4(127, 0, 0, 1))
		return serverConfig(t, template)
	}
	today := time.Now()
	lastYear, nextYear := today.AddDate(-1, 0, 0), today.AddDate(1, 0, 0)
	return []failure{
		{"dead host", "http://" + deadSite + "/",
			"connection refused: nothing listens there"},
		{"dead at all its addresses", "http://dead.test:1/",
			"connection refused: nothing listens there"},
		{"unknown name", "https://nobody.test/",
			"unknown name: there is no host nobody.test"},
		{"name server is dead", "https://timeout.test/",
			"the name server does not answer"},
		{"name server fails", "https://trouble.test/",
			"looking up trouble.test failed: server misbehaving"},
		{"bad URL", "ftp://example.test",
			`bad URL: the scheme is "ftp", not http or https`},
		{"closed early", plain(hangsUp),
			"the site closed the connection without an answer"},
		{"closed after the request", plain(says("")),
			"the site closed the connection without an answer"},
		{"broken off", breaksOff(t),
			"the site closed the connection without an answer"},
		{"closed in the middle", plain(says("HTTP/1.1 20")),
			"the site closed the connection in the middle of its answer"},
		{"garbage", plain(says("SSH-2.0-OpenSSH_9.9\r\n")),
			`not a website: it says "SSH-2.0-OpenSSH_9.9\r\n"`},
		{"long garbage", plain(says(strings.Repeat("la", 30))),
			`not a website: it says "` + strings.Repeat("la", 20) + `"...`},
		{"endless garbage", plain(says(strings.Repeat("la", maxStatusLine))),
			"not a website: it sends one endless line"},
		{"TLS where plain HTTP was expected", plain(says("\x15\x03\x01\x00\x02\x02F")),
			"the site speaks TLS; try https://"},
		{"plain HTTP where TLS was expected", "https://" +
			v.serve(answersAnything("HTTP/1.1 400 Bad Request\r\n\r\n")) + "/",
			"TLS failed: the site speaks plain HTTP; try http://"},
		{"garbage where TLS was expected", "https://" +
			v.serve(answersAnything("hello, who is it?\r\n")) + "/",
			"TLS failed: the site does not speak it"},
		{"closed during the TLS handshake", "https://" + v.serve(answersAnything("")) + "/",
			"TLS failed: the site closed the connection during the handshake"},
		{"unknown authority", secure(with(&x509.Certificate{NotBefore: lastYear, NotAfter: nextYear})),
			"bad certificate: signed by nobody this machine trusts"},
		{"another's certificate", secure(serverConfig(t, &x509.Certificate{
			NotBefore: lastYear,
			NotAfter:  nextYear,
			DNSNames:  []string{"example.test"},
		})),
			"bad certificate: it is not for 127.0.0.1"},
		{"expired certificate", secure(with(&x509.Certificate{
			NotBefore: lastYear,
			NotAfter:  today.AddDate(0, 0, -2),
		})),
			"bad certificate: expired on " + today.AddDate(0, 0, -2).UTC().Format(time.DateOnly)},
		{"certificate of the future", secure(with(&x509.Certificate{
			NotBefore: today.AddDate(0, 0, 2),
			NotAfter:  nextYear,
		})),
			"bad certificate: not valid before " + today.AddDate(0, 0, 2).UTC().Format(time.DateOnly)},
		{"no version of TLS in common", secure(&tls.Config{
			MaxVersion:   tls.VersionTLS11,
			Certificates: serverConfig(t, new(x509.Certificate)).Certificates,
		}),
			"TLS failed: the site refused the handshake: tls: protocol version not supported"},
	}
}

func serverConfig(t *testing.T, template *x509.Certificate) *tls.Config {
	t.Helper()
	certificate, err := certs.Make(template)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{certificate}}
}

// breaksOff starts a site that resets every connection, and returns its URL.
func breaksOff(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			c.Read(make([]byte, 1))
			c.(*net.TCPConn).SetLinger(0)
			c.Close()
		}
	}()
	t.Cleanup(func() {
		ln.Close()
		<-done
	})
	return "http://" + ln.Addr().String() + "/"
}

// answersAnything is a site that does not wait for a request: whatever comes is answered with text.
func answersAnything(text string) stream.Handler {
	return func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
		if _, err := r.Read(ctx, make([]byte, 16)); err != nil {
			return err
		}
		w.WriteString(text)
		return w.Drain(ctx)
	}
}

// names is what the phone book of these tests says.
func names(host string) ([]netip.Addr, error) {
	switch host {
	case "dead.test":
		return []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.2")}, nil
	case "timeout.test":
		return nil, &net.DNSError{Err: "i/o timeout", Name: host, IsTimeout: true}
	case "trouble.test":
		return nil, &net.DNSError{Err: "server misbehaving", Name: host, IsTemporary: true}
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

// onBoth runs the test on both kinds of network.
func onBoth(t *testing.T, test func(t *testing.T, ctx context.Context)) {
	for name, n := range map[string]transport.Network{
		"native":   transport.Native(),
		"portable": transport.Portable(),
	} {
		t.Run(name, func(t *testing.T) {
			test(t, transport.WithNetwork(t.Context(), phoneBook{n, names}))
		})
	}
}

func TestEachKindOfFailureHasItsRowWithAReason(t *testing.T) {
	onBoth(t, func(t *testing.T, ctx context.Context) {
		v := newVillage(t)
		expectFailures(t, ctx, "50ms", slowSites(v))
		expectFailures(t, ctx, patience.String(), failingSites(t, v))
	})
}

// expectFailures checks all these sites in one run.
func expectFailures(t *testing.T, ctx context.Context, timeout string, failures []failure) {
	t.Helper()
	args := []string{"-json", "-timeout", timeout}
	for _, f := range failures {
		args = append(args, f.url)
	}
	got := sitecheck(ctx, args...)
	if got.code != someDidNot || got.err != "" {
		t.Errorf("exit code %d, want %d; on stderr: %q", got.code, someDidNot, got.err)
	}
	records := readRecords(t, got.out)
	if len(records) != len(failures) {
		t.Fatalf("%d rows for %d sites:\n%s", len(records), len(failures), got.out)
	}
	for i, f := range failures {
		r := records[i]
		if r.URL != f.url || r.Reason != f.reason || r.Status != 0 || r.Error == "" {
			t.Errorf("%s: the row is %+v, want %s with the reason %q", f.name, r, f.url, f.reason)
		}
	}
}

func readRecords(t *testing.T, lines string) []record {
	t.Helper()
	var all []record
	for line := range strings.Lines(lines) {
		var r record
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		all = append(all, r)
	}
	return all
}

func TestOneFailureAmongAnswersMakesTheExitCode(t *testing.T) {
	v := newVillage(t)
	well := "http://" + v.serve(isWell) + "/"
	dead := "http://" + deadSite + "/"
	if got := sitecheck(t.Context(), well, well); got.code != allAnswered ||
		!strings.Contains(got.out, "\nall 2 sites answered, in ") {
		t.Errorf("two that are well: %+v", got)
	}
	got := sitecheck(t.Context(), well, dead)
	if got.code != someDidNot || !strings.Contains(got.out, "\n1 of 2 sites answered, in ") {
		t.Errorf("one well, one dead: %+v", got)
	}
	want := "FAILED  connection refused: nothing listens there\n"
	if !strings.Contains(got.out, want) {
		t.Errorf("the table is\n%swant in it: %s", got.out, want)
	}
}

func TestAnyStatusIsAnAnswer(t *testing.T) {
	v := newVillage(t)
	for text, want := range map[string]record{
		"HTTP/1.1 200 OK\r\n\r\n":                  {Status: 200, Reason: "OK"},
		"HTTP/1.0 404 Gone fishing\r\n\r\n":        {Status: 404, Reason: "Gone fishing"},
		"HTTP/1.1 500 Internal Server Error\r\n":   {Status: 500, Reason: "Internal Server Error"},
		"HTTP/1.1 204\r\nContent-Type: none\r\n\r": {Status: 204},
	} {
		want.URL = "http://" + v.serve(says(text)) + "/"
		got := sitecheck(t.Context(), "-json", want.URL)
		records := readRecords(t, got.out)
		if len(records) != 1 || got.code != allAnswered {
			t.Fatalf("%q: %+v", text, got)
		}
		want.Milliseconds = records[0].Milliseconds
		want.Redirects = []redirect{}
		if !reflect.DeepEqual(records[0], want) {
			t.Errorf("%q: %+v, want %+v", text, records[0], want)
		}
	}
}

func TestInsecureAcceptsAnyCertificate(t *testing.T) {
	onBoth(t, func(t *testing.T, ctx context.Context) {
		cfg := serverConfig(t, &x509.Certificate{DNSNames: []string{"example.test"}}) // and long expired
		url := "https://" + newVillage(t).serve(isWell, transport.TLS(cfg)) + "/"
		if got := sitecheck(ctx, url); got.code != someDidNot {
			t.Errorf("without -insecure: %+v", got)
		}
		if got := sitecheck(ctx, "-insecure", url); got.code != allAnswered ||
			!strings.Contains(got.out, "200 OK") {
			t.Errorf("with -insecure: %+v", got)
		}
	})
}

func TestErrorsWithoutAReasonOfTheirOwnSpeakForThemselves(t *testing.T) {
	if got := reason(errors.New("no idea")); got != "no idea" {
		t.Errorf("reason: %q", got)
	}
	got := reason(fmt.Errorf("tls: server selected a stone"))
	if got != "TLS failed: tls: server selected a stone" {
		t.Errorf("reason: %q", got)
	}
	revoked := &tls.CertificateVerificationError{Err: errors.New("revoked")}
	if got := reason(revoked); got != "bad certificate: revoked" {
		t.Errorf("reason: %q", got)
	}
}

// selfMadeConfig is a server that nobody knows.
func selfMadeConfig(t *testing.T) *tls.Config {
	t.Helper()
	return serverConfig(t, new(x509.Certificate))
}
