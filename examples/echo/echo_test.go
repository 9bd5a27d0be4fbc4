package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aio-go/aio/examples/internal/certs"
	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/clitest"
	"github.com/aio-go/aio/transport"
)

func TestMain(m *testing.M) { clitest.Main(m, main) }

var echo = clitest.Program(run)

var forms = []string{"stream", "protocol"}

// portable is the program on the network of systems without a poller of their own.
var portable = clitest.Program(func(ctx context.Context, args []string, std cli.Streams) int {
	return run(transport.WithNetwork(ctx, transport.Portable()), args, std)
})

func start(t *testing.T, args ...string) (*clitest.Running, string) {
	return startOn(t, echo, args...)
}

func startOn(t *testing.T, program clitest.Program, args ...string) (*clitest.Running, string) {
	p := program.Start(t, append([]string{"-addr", "127.0.0.1:0"}, args...)...)
	addr, _, _ := strings.Cut(p.Out.Await(t, "Echoing on "), ",")
	return p, strings.TrimSuffix(addr, " over TLS")
}

func connect(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(clitest.Patience))
	return conn
}

// roundTrip sends data on a connection while it reads, and compares.
func roundTrip(t *testing.T, conn net.Conn, data []byte) {
	t.Helper()
	sent := make(chan error, 1)
	go func() {
		_, err := conn.Write(data)
		sent <- err
	}()
	got := make([]byte, len(data))
	if n, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d of %d bytes came back, %v", n, len(data), err)
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
}

// noise is n bytes that no two places have alike.
func noise(n int) []byte {
	data := make([]byte, n)
	rand.NewChaCha8([32]byte{1}).Read(data)
	return data
}

func TestEverythingComesBack(t *testing.T) {
	for _, form := range forms {
		everythingComesBack(t, form, echo)
		everythingComesBack(t, form+" portable", portable)
	}
}

func everythingComesBack(t *testing.T, name string, program clitest.Program) {
	form, _, _ := strings.Cut(name, " ")
	t.Run(name, func(t *testing.T) {
		p, addr := startOn(t, program, "-form", form)
		var all sync.WaitGroup
		for range 10 {
			conn := connect(t, addr)
			all.Go(func() {
				roundTrip(t, conn, []byte("hello\n"))
				roundTrip(t, conn, noise(1<<20))
				conn.(*net.TCPConn).CloseWrite() // the end comes back, too
				if rest, err := io.ReadAll(conn); len(rest) > 0 || err != nil {
					t.Errorf("%d bytes and %v at the end", len(rest), err)
				}
			})
		}
		all.Wait()
		if code := p.Stop(); code != cli.OK || p.Err.String() != "" ||
			!strings.Contains(p.Out.String(), "\n10 connections, up to ") ||
			!strings.HasSuffix(p.Out.String(), "; 10.0 MiB echoed.\n") {
			t.Errorf("exit code %d, %q, on stderr %q", code, p.Out, p.Err)
		}
	})
}

func TestConnectionsMayBeSecured(t *testing.T) {
	cert, roots, err := certs.SelfMade()
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: cert.Certificate[0]},
		keyFile:  {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, form := range forms {
		for way, args := range map[string][]string{
			"made":  {"-tls"},
			"given": {"-cert", certFile, "-key", keyFile},
		} {
			t.Run(form+" "+way, func(t *testing.T) {
				p, addr := start(t, append(args, "-form", form)...)
				conn := tls.Client(connect(t, addr), &tls.Config{
					RootCAs:            roots,
					ServerName:         "127.0.0.1",
					InsecureSkipVerify: way == "made",
				})
				roundTrip(t, conn, noise(1<<18))
				conn.Close()
				if code := p.Stop(); code != cli.OK || p.Err.String() != "" {
					t.Errorf("exit code %d, on stderr %q", code, p.Err)
				}
			})
		}
	}
}

func TestOneWhoDoesNotReadIsHeldBack(t *testing.T) {
	for _, form := range forms {
		t.Run(form, func(t *testing.T) {
			_, addr := start(t, "-form", form)
			conn := connect(t, addr)
			conn.(*net.TCPConn).SetReadBuffer(4096)
			// It comes to a stop: more than the system and the server buffer is not taken.
			conn.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
			data, sent := noise(1<<20), 0
			const most = 256 << 20
			for sent < most {
				n, err := conn.Write(data)
				sent += n
				if err != nil {
					break
				}
			}
			if sent >= most {
				t.Errorf("%d MB were taken from one who reads nothing", sent>>20)
			}
			roundTrip(t, connect(t, addr), []byte("others are served"))
		})
	}
}

func TestAnEndWithConnectionsOpenIsQuiet(t *testing.T) {
	for _, form := range forms {
		p, addr := start(t, "-form", form)
		conn := connect(t, addr)
		roundTrip(t, conn, []byte("x"))
		if code := p.Stop(); code != cli.OK || p.Err.String() != "" || !strings.HasSuffix(p.Out.String(),
			"\n1 connection, up to 1 at the same time; 1 byte echoed.\n") {
			t.Errorf("%s: exit code %d, %q, on stderr %q", form, code, p.Out, p.Err)
		}
		if rest, err := io.ReadAll(conn); len(rest) > 0 || err != nil {
			t.Errorf("%s: %q and %v at the end", form, rest, err)
		}
	}
}

func TestMistakesAreExplained(t *testing.T) {
	for args, want := range map[string]string{
		"-speed 7":                "flag provided but not defined: -speed",
		"7007":                    `there is nothing to do with "7007"; only flags are expected`,
		"-form letter":            `-form is "letter"; it must be stream or protocol`,
		"-cert x":                 "-cert and -key belong together",
		"-cert nowhere -key none": "-cert: open nowhere: ",
	} {
		got := echo.Run(t.Context(), strings.Fields(args)...)
		if got.Code != cli.BadUsage || got.Out != "" || !strings.HasPrefix(got.Err, "echo: "+want) ||
			!strings.HasSuffix(got.Err, "\nTry echo -help.\n") {
			t.Errorf("%q: %+v, want %s", args, got, want)
		}
	}
	if got := echo.Run(t.Context(), "-help"); got.Code != cli.OK || got.Out != usage {
		t.Errorf("%+v", got)
	}
	if got := echo.Run(t.Context(), "-addr", "127.0.0.1:nowhere"); got.Code != cli.Failed ||
		!strings.HasPrefix(got.Err, "echo: listen") {
		t.Errorf("%+v", got)
	}
}

func TestCtrlCAndSIGTERMEndTheServer(t *testing.T) {
	clitest.Signals(t, func(t *testing.T, sig os.Signal) {
		got := clitest.Signal(t, sig, "Echoing on ", "-addr", "127.0.0.1:0")
		if got.Code != cli.OK || !strings.HasSuffix(got.Out,
			"\n0 connections, up to 0 at the same time; 0 bytes echoed.\n") || got.Err != "" {
			t.Errorf("%+v", got)
		}
	})
}
