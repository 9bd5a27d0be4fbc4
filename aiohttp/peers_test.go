package aiohttp_test

import (
	"bufio"
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/internal/looptest"
)

// The tests here talk to programs that know nothing of this library. Each skips where its program
// is missing.

// peer starts a program that is ended with the test, and returns what it prints.
func peer(t *testing.T, path string, args ...string) *bufio.Scanner {
	t.Helper()
	path, err := exec.LookPath(path)
	if err != nil {
		t.Skip("a program is not on this machine: ", err)
	}
	r, w, err := os.Pipe()
	ok(t, err)
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = w, w
	ok(t, cmd.Start())
	w.Close()
	guard := time.AfterFunc(patience, func() { cmd.Process.Kill() })
	t.Cleanup(func() {
		guard.Stop()
		cmd.Process.Kill()
		cmd.Wait()
		r.Close()
	})
	return bufio.NewScanner(r)
}

// files makes a folder with a few files.
func files(t *testing.T) string {
	dir := t.TempDir()
	ok(t, os.WriteFile(filepath.Join(dir, "hello.txt"), []byte("hello\n"), 0o644))
	ok(t, os.WriteFile(filepath.Join(dir, "large.bin"),
		[]byte(strings.Repeat("0123456789", 100_000)), 0o644))
	ok(t, os.WriteFile(filepath.Join(dir, "value.json"), []byte(`{"n": 42}`), 0o644))
	ok(t, os.Mkdir(filepath.Join(dir, "folder"), 0o755))
	ok(t, os.Chmod(dir, 0o755))
	return dir
}

// visit asks a server of files in all ways.
func visit(t *testing.T, base string) {
	run(t, func(ctx context.Context) {
		c := aiohttp.Client{PerHost: 3}
		defer c.Close()
		r, err := c.Get(ctx, base+"/hello.txt")
		equal(t, "text", text(ctx, t, r, err), "hello\n")
		v, err := aiohttp.GetJSON[map[string]int](ctx, &c, base+"/value.json")
		ok(t, err)
		equal(t, "JSON", v["n"], 42)
		_, err = aiohttp.GetJSON[int](ctx, &c, base+"/none")
		if status, is := err.(*aiohttp.StatusError); !is || status.StatusCode != 404 {
			t.Error(err)
		}
		r, err = c.Get(ctx, base+"/folder") // is sent to folder/
		ok(t, err)
		equal(t, "redirects", len(r.History), 1)
		r.Close()
		sizes, err := aio.Map(ctx, make([]int, 20), func(ctx context.Context, _ int) (int, error) {
			r, err := c.Get(ctx, base+"/large.bin")
			if err != nil {
				return 0, err
			}
			n := 0
			for chunk, err := range r.Chunks(ctx) {
				if err != nil {
					return n, err
				}
				n += len(chunk)
			}
			return n, nil
		})
		ok(t, err)
		for _, n := range sizes {
			equal(t, "size", n, 1_000_000)
		}
		r, err = c.Get(ctx, base+"/large.bin")
		ok(t, err)
		r.Close() // in the middle
		r, err = c.Head(ctx, base+"/large.bin")
		ok(t, err)
		equal(t, "length", r.ContentLength, 1_000_000)
	})
}

func TestThePythonServerIsAPeer(t *testing.T) {
	out := peer(t, "python3", "-u", "-m", "http.server", "--bind", "127.0.0.1", "--directory",
		files(t), "0")
	for out.Scan() {
		port := 0
		if n, _ := fmt.Sscanf(out.Text(), "Serving HTTP on 127.0.0.1 port %d", &port); n == 1 {
			visit(t, fmt.Sprint("http://127.0.0.1:", port))
			return
		}
	}
	t.Error("python3 does not serve")
}

func TestNginxIsAPeer(t *testing.T) {
	visit(t, "http://"+nginx(t, "", "root "+files(t)+";"))
}

func TestNginxIsAProxyOfOurServer(t *testing.T) {
	whileServing(t, func(ctx context.Context, s *aiohttp.Server) {
		address := nginx(t, "upstream ours { server "+s.Addr().String()+"; keepalive 4; }", `
			client_max_body_size 10m;
			location / { proxy_pass http://ours; proxy_http_version 1.1; proxy_set_header Connection ""; }
			location /old/ { proxy_pass http://ours/; }
			location /unbuffered/ {
				proxy_pass http://ours/; proxy_http_version 1.1; proxy_set_header Connection "";
				proxy_buffering off; proxy_request_buffering off;
			}`)
		ok(t, aio.Blocking(ctx, func(context.Context) error {
			for _, path := range []string{"/", "/old/", "/unbuffered/"} {
				if err := throughProxy(t, "http://"+address+path); err != nil {
					return err
				}
			}
			return nil
		}))
	})
}

// throughProxy asks a server of forPeers with net/http.
func throughProxy(t *testing.T, base string) error {
	c := http.Client{Transport: &http.Transport{}}
	defer c.CloseIdleConnections()
	ask := func(path string, body io.Reader) (string, error) {
		method := http.MethodGet
		if body != nil {
			method = http.MethodPost
		}
		req, err := http.NewRequest(method, base+path, body)
		if err != nil {
			return "", err
		}
		r, err := c.Do(req)
		if err != nil {
			return "", err
		}
		defer r.Body.Close()
		text, err := io.ReadAll(r.Body)
		return string(text), err
	}
	from := map[string]bool{} // connections of the proxy
	for range 20 {
		text, err := ask("from", nil)
		if err != nil {
			return err
		}
		from[text] = true
	}
	if want := map[bool]int{false: 4, true: 20}[strings.HasSuffix(base, "/old/")]; len(from) > want {
		t.Errorf("%s: the proxy has used %d connections, want at most %d", base, len(from), want)
	}
	if text, err := ask("large", nil); err != nil || text != largeBody {
		return fmt.Errorf("%slarge: %d bytes, %w", base, len(text), err)
	}
	sum := fmt.Sprint(len(largeBody), " ", crc32.ChecksumIEEE([]byte(largeBody)), " ")
	for _, body := range []io.Reader{strings.NewReader(largeBody), // with a length; and without
		struct{ io.Reader }{strings.NewReader(largeBody)}} {
		text, err := ask("sum", body)
		if err != nil || !strings.HasPrefix(text, sum) || !strings.HasSuffix(text, " <nil>") {
			return fmt.Errorf("%ssum: %s, %w", base, text, err)
		}
	}
	return nil
}

// nginx starts an nginx with a server on a free port, and returns the address.
func nginx(t *testing.T, outer, inner string) (address string) {
	t.Helper()
	name := "nginx"
	if _, err := exec.LookPath(name); err != nil {
		name = "/usr/sbin/nginx"
	}
	if _, err := exec.LookPath(name); err != nil {
		t.Skip("there is no nginx on this machine")
	}
	address = looptest.FreeAddress(t)
	dir := t.TempDir()
	ok(t, os.Chmod(dir, 0o755))
	config := filepath.Join(dir, "nginx.conf")
	ok(t, os.WriteFile(config, []byte(fmt.Sprintf(`
		daemon off; master_process off; worker_processes 1; pid %[1]s/pid; error_log stderr notice;
		events {}
		http {
			access_log off;
			client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
			%[3]s
			server { listen %[2]s; %[4]s }
		}`, dir, address, outer, inner)), 0o644))
	out := peer(t, name, "-c", config, "-p", dir)
	for out.Scan() {
		if strings.Contains(out.Text(), "start worker process") || strings.Contains(out.Text(), "OS: ") {
			break
		}
	}
	// it says nothing when it listens
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	return address
}

func TestCurlIsAPeerOfOurServer(t *testing.T) {
	path, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("there is no curl on this machine")
	}
	run(t, func(ctx context.Context) {
		s, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", http.HandlerFunc(echo))
		ok(t, err)
		defer s.Close()
		out, err := aio.ToThread(ctx, func(ctx context.Context) ([]byte, error) {
			return exec.CommandContext(ctx, path, "-sS", "--noproxy", "*", "-d", "a=b", s.URL()+
				"/x", "--next", "-sS", "--noproxy", "*", s.URL()+"/y").CombinedOutput()
		})
		ok(t, err)
		equal(t, "output", string(out), `POST /x application/x-www-form-urlencoded "a=b"GET /y  ""`)
	})
}

// nodeServer serves the files of a folder, and compresses texts for those who take them so.
const nodeServer = `
const http = require('node:http'), fs = require('node:fs'), zlib = require('node:zlib');
const dir = process.argv[1];
http.createServer((req, res) => {
	const path = dir + req.url;
	if (!fs.existsSync(path)) { res.writeHead(404); res.end('none'); return; }
	if (req.url.endsWith('/')) { res.end('a folder'); return; }
	if (fs.statSync(path).isDirectory()) { res.writeHead(301, {location: req.url + '/'}); res.end(); return; }
	if (path.endsWith('.txt') && /gzip/.test(req.headers['accept-encoding'])) {
		res.writeHead(200, {'content-encoding': 'gzip'});
		fs.createReadStream(path).pipe(zlib.createGzip()).pipe(res);
		return;
	}
	res.writeHead(200, {'content-length': fs.statSync(path).size});
	if (req.method == 'HEAD') res.end(); else fs.createReadStream(path).pipe(res);
}).listen(0, '127.0.0.1', function() { console.log('port ' + this.address().port); });
`

func TestNodeIsAPeer(t *testing.T) {
	out := peer(t, "node", "-e", nodeServer, files(t))
	for out.Scan() {
		port := 0
		if n, _ := fmt.Sscanf(out.Text(), "port %d", &port); n == 1 {
			visit(t, fmt.Sprint("http://127.0.0.1:", port))
			return
		}
	}
	t.Error("node does not serve")
}
