package stream_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/tlstest"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// The tests here talk to programs that know nothing of this library. Each skips where its program
// is missing.

// program is a peer that runs until the end of the test.
type program struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	output *bufio.Reader // what it prints, errors too
}

// start starts a program, or skips the test if there is none of that name.
func start(t *testing.T, name string, args ...string) *program {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("there is no %s on this machine", name)
	}
	p := &program{t: t, cmd: exec.Command(path, args...)}
	r, w, err := os.Pipe()
	ok(t, err)
	p.cmd.Stdout, p.cmd.Stderr = w, w
	p.stdin, err = p.cmd.StdinPipe()
	ok(t, err)
	ok(t, p.cmd.Start())
	w.Close()
	p.output = bufio.NewReader(r)
	guard := time.AfterFunc(patience, func() { p.cmd.Process.Kill() })
	t.Cleanup(func() {
		guard.Stop()
		p.stdin.Close()
		p.cmd.Process.Kill()
		p.cmd.Wait()
		r.Close()
	})
	return p
}

// needOpenSSL skips the test if openssl is missing, or another program of that name.
func needOpenSSL(t *testing.T) {
	t.Helper()
	version, err := exec.Command("openssl", "version").Output()
	if err != nil || !strings.HasPrefix(string(version), "OpenSSL ") {
		t.Skipf("there is no OpenSSL on this machine: %q, %v", version, err)
	}
}

// says waits until the program prints a line that matches and returns the submatches.
func (p *program) says(pattern string) []string {
	p.t.Helper()
	re := regexp.MustCompile(pattern)
	var seen strings.Builder
	for {
		line, err := p.output.ReadString('\n')
		seen.WriteString(line)
		if m := re.FindStringSubmatch(line); m != nil {
			return m
		}
		if err != nil {
			p.t.Fatalf("%s never said %q, but:\n%s", p.cmd.Path, pattern, seen.String())
		}
	}
}

// output runs a program to its end, off the loop, and returns what it printed.
func output(ctx context.Context, t *testing.T, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("there is no %s on this machine", name)
	}
	out, err := aio.ToThread(ctx, func(ctx context.Context) ([]byte, error) {
		return exec.CommandContext(ctx, path, args...).CombinedOutput()
	})
	if err != nil {
		t.Errorf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

// serveHTTP answers one request with its path.
func serveHTTP(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
	head, err := r.ReadUntil(ctx, []byte("\r\n\r\n"))
	if err != nil {
		return err
	}
	path := strings.Fields(string(head))[1]
	fmt.Fprintf(w, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		len(path), path)
	return w.Drain(ctx)
}

// get sends a request for path and returns the answer, head and body.
func get(
	ctx context.Context, t *testing.T, r *stream.Reader, w *stream.Writer, path string,
) (head, body string) {
	t.Helper()
	fmt.Fprintf(w, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path)
	h, err := r.ReadUntil(ctx, []byte("\r\n\r\n"))
	ok(t, err)
	b, err := r.ReadAll(ctx)
	ok(t, err)
	return string(h), string(b)
}

func TestCurlTalksToOurServer(t *testing.T) {
	a := tlstest.New(t)
	ca, _, _ := a.Files()
	for _, scheme := range []string{"http", "https"} {
		t.Run(scheme, func(t *testing.T) {
			var opts []transport.Option
			if scheme == "https" {
				opts = append(opts, transport.TLS(a.Server()))
			}
			run(t, func(ctx context.Context) {
				listen(ctx, t, serveHTTP, func(address string) {
					_, port, _ := net.SplitHostPort(address)
					got := output(ctx, t, "curl", "--silent", "--show-error", "--noproxy", "*", "--cacert", ca,
						"--connect-to", "localhost::127.0.0.1:"+port, scheme+"://localhost/from/curl")
					if got != "/from/curl" {
						t.Errorf("curl got %q", got)
					}
				}, opts...)
			})
		})
	}
}

// The key update is the case of a TLS 1.3 peer that makes the reading side write.
func TestOpenSSLTalksToOurServer(t *testing.T) {
	needOpenSSL(t)
	a := tlstest.New(t)
	ca, _, _ := a.Files()
	for _, version := range []string{"-tls1_2", "-tls1_3"} {
		t.Run(version, func(t *testing.T) {
			run(t, func(ctx context.Context) {
				listen(ctx, t, echo, func(address string) {
					p := start(t, "openssl", "s_client", version, "-connect", address, "-servername", "localhost",
						"-CAfile", ca, "-verify_return_error", "-verify_hostname", "localhost")
					say := func(line, answer string) {
						_, err := aio.ToThread(ctx, func(context.Context) (aio.None, error) {
							io.WriteString(p.stdin, line)
							p.says(answer)
							return aio.None{}, nil
						})
						ok(t, err)
					}
					say("hello\n", "^hello")
					if version == "-tls1_3" {
						say("K\n", "KEYUPDATE")
					}
					say("once more\n", "^once more")
					io.WriteString(p.stdin, "Q\n") // says goodbye
				}, transport.TLS(a.Server()))
			})
		})
	}
}

func TestOurClientTalksToOpenSSL(t *testing.T) {
	needOpenSSL(t)
	a := tlstest.New(t)
	_, cert, key := a.Files()
	p := start(t, "openssl", "s_server", "-accept", "0", "-cert", cert, "-key", key, "-rev")
	port := p.says(`^ACCEPT .*:(\d+)`)[1]
	run(t, func(ctx context.Context) {
		for _, address := range []string{"localhost:" + port, "127.0.0.1:" + port} {
			r, w := dial(ctx, t, address, transport.TLS(a.Client()))
			w.WriteString("hello\n")
			got, err := r.ReadLine(ctx)
			expect(t, got, err, "olleh\n")
			w.WriteString("another\n")
			got, err = r.ReadLine(ctx)
			expect(t, got, err, "rehtona\n")
			shut(ctx, t, w)
		}
	})
}

func TestOurClientTalksToPython(t *testing.T) {
	dir := t.TempDir()
	data := noise(1 << 20)
	ok(t, os.WriteFile(filepath.Join(dir, "file"), data, 0o600))
	p := start(t, "python3", "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", dir)
	port := p.says(`port (\d+)`)[1]
	run(t, func(ctx context.Context) {
		r, w := dial(ctx, t, "127.0.0.1:"+port)
		head, body := get(ctx, t, r, w, "/file")
		if !strings.Contains(head, " 200 OK\r\n") || body != string(data) {
			t.Errorf("%d bytes after %q", len(body), head)
		}
		shut(ctx, t, w)
	})
}

func TestOurClientTalksToNginx(t *testing.T) {
	dir := t.TempDir()
	a := tlstest.New(t)
	_, cert, key := a.Files()
	data := noise(1 << 20)
	ok(t, os.WriteFile(filepath.Join(dir, "file"), data, 0o644))
	conf := filepath.Join(dir, "nginx.conf")
	ok(t, os.WriteFile(conf, []byte(fmt.Sprintf(`
daemon off;
master_process off;
error_log stderr notice;
pid %[1]s/pid;
events {}
http {
	access_log off;
	client_body_temp_path %[1]s/t1;
	proxy_temp_path %[1]s/t2;
	fastcgi_temp_path %[1]s/t3;
	uwsgi_temp_path %[1]s/t4;
	scgi_temp_path %[1]s/t5;
	server {
		listen unix:%[1]s/plain;
		listen unix:%[1]s/secured ssl;
		ssl_certificate %[2]s;
		ssl_certificate_key %[3]s;
		root %[1]s;
	}
}
`, dir, cert, key)), 0o600))
	p := start(t, "nginx", "-p", dir, "-e", "stderr", "-c", conf)
	p.says(`built by|start worker|using the "`)
	run(t, func(ctx context.Context) {
		for _, name := range []string{"plain", "secured"} {
			var opts []transport.Option
			if name == "secured" {
				opts = append(opts, transport.TLS(a.Client()), transport.ServerName("localhost"))
			}
			r, w, err := stream.Open(ctx, "unix", filepath.Join(dir, name), opts...)
			ok(t, err)
			head, body := get(ctx, t, r, w, "/file")
			if !strings.Contains(head, " 200 OK\r\n") || !strings.Contains(head, "nginx") ||
				body != string(data) {
				t.Errorf("%s: %d bytes after %q", name, len(body), head)
			}
			shut(ctx, t, w)
		}
	})
}
