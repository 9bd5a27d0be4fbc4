package aiohttp_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/internal/looptest"
)

// muteListener is a listener whose connections nobody answers.
func muteListener(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l
}

func TestAConnectionThatTakesTooLongIsGivenUp(t *testing.T) {
	l := muteListener(t)
	for _, protocols := range [][]string{nil, {"http/1.1"}} { // by net/http, and by the client itself
		run(t, func(ctx context.Context) {
			c := &aiohttp.Client{ConnectTimeout: 20 * time.Millisecond,
				TLS: &tls.Config{NextProtos: protocols}}
			defer c.Close()
			_, err := c.Get(ctx, "https://"+l.Addr().String())
			var late net.Error
			equal(t, "a time-out", errors.As(err, &late) && late.Timeout(), true)
		})
	}
}

func TestAServerThatIsSilentForTooLongIsGivenUp(t *testing.T) {
	silent := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		if r.URL.Path == "/body" {
			io.WriteString(w, "begin")
			w.(http.Flusher).Flush()
		}
		<-r.Context().Done()
	})
	h2 := httptest.NewUnstartedServer(silent)
	h2.EnableHTTP2 = true
	h2.StartTLS()
	defer h2.Close()
	h1 := httptest.NewServer(silent)
	defer h1.Close()
	run(t, func(ctx context.Context) {
		trust := &tls.Config{InsecureSkipVerify: true}
		quick := &aiohttp.Client{ReadTimeout: 20 * time.Millisecond, TLS: trust}
		defer quick.Close()
		c := &aiohttp.Client{ReadTimeout: time.Second, TLS: trust}
		defer c.Close()
		for _, s := range []*httptest.Server{h1, h2} {
			_, err := quick.Get(ctx, s.URL+"/head")
			matches(t, err, os.ErrDeadlineExceeded)
			r, err := c.Get(ctx, s.URL+"/body")
			ok(t, err)
			_, err = r.Text(ctx)
			matches(t, err, os.ErrDeadlineExceeded)
		}
	})
	virtually(t, func(ctx context.Context) { // a slow upload is no silence, nor are pieces in time
		c := &aiohttp.Client{ReadTimeout: time.Second, Transport: aiohttp.Direct(aiohttp.HandlerFunc(
			func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
				io.Copy(io.Discard, r.Body)
				for range 10 {
					io.WriteString(w, "x")
					w.(http.Flusher).Flush()
					aio.Sleep(ctx, 900*time.Millisecond)
				}
				return aio.Sleep(ctx, time.Hour)
			}))}
		defer c.Close()
		began := aio.RunningLoop(ctx).Time()
		r, err := c.Upload(ctx, "POST", "http://x/", "", func(ctx context.Context, w io.Writer) error {
			io.WriteString(w, "begin")
			return aio.Sleep(ctx, time.Minute)
		})
		ok(t, err)
		n := 0
		var last error
		for p, err := range r.Chunks(ctx) {
			n, last = n+len(p), err
		}
		matches(t, last, os.ErrDeadlineExceeded)
		equal(t, "bytes", n, 10)
		equal(t, "after", aio.RunningLoop(ctx).Time().Sub(began), time.Minute+9100*time.Millisecond)
	})
}

func TestAClientOfAUnixSocket(t *testing.T) {
	looptest.NeedUnixSockets(t)
	path := looptest.SocketPath(t)
	run(t, func(ctx context.Context) {
		s, err := aiohttp.Serve(ctx, "unix", path, http.HandlerFunc(
			func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Host, r.URL.Path) }))
		ok(t, err)
		defer s.Close()
		c := &aiohttp.Client{UnixSocket: path}
		defer c.Close()
		for _, path := range []string{"/a", "/b"} {
			r, err := c.Get(ctx, "http://engine"+path)
			ok(t, err)
			text, err := r.Text(ctx)
			ok(t, err)
			equal(t, "answer", text, "engine"+path)
		}
	})
}

func TestAClientUsesTheProxyOfItsOwn(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "the proxy was asked for ", r.URL)
	}))
	defer proxy.Close()
	at, _ := url.Parse(proxy.URL)
	run(t, func(ctx context.Context) {
		c := &aiohttp.Client{Proxy: http.ProxyURL(at)}
		defer c.Close()
		r, err := c.Get(ctx, "http://site.example/page")
		ok(t, err)
		text, err := r.Text(ctx)
		ok(t, err)
		equal(t, "answer", text, "the proxy was asked for http://site.example/page")
		for _, bad := range []*aiohttp.Client{
			{Proxy: c.Proxy, Reach: aiohttp.PublicOnly}, {Proxy: c.Proxy, UnixSocket: "x"},
			{UnixSocket: "x", Reach: aiohttp.PublicOnly}, {UnixSocket: "x", Transport: &http.Transport{}},
			{ReadTimeout: -1},
		} {
			looptest.WantPanic(t, func() { bad.Get(ctx, "http://x/") }, "aiohttp: Client.Do: ")
		}
	})
}

func TestAFormWithFilesPassesInPieces(t *testing.T) {
	const size = 20 << 20
	run(t, func(ctx context.Context) {
		s, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", aiohttp.HandlerFunc(
			func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
				parts, err := r.MultipartReader()
				if err != nil {
					return err
				}
				for {
					p, err := parts.NextPart()
					if err == io.EOF {
						return nil
					}
					if err != nil {
						return err
					}
					sum := crc32.NewIEEE()
					n, err := io.Copy(sum, p)
					if err != nil {
						return err
					}
					fmt.Fprintln(w, p.FormName(), p.FileName(), n)
				}
			}))
		ok(t, err)
		defer s.Close()
		var c aiohttp.Client
		defer c.Close()
		r, err := c.UploadForm(ctx, s.URL(), func(ctx context.Context, form *multipart.Writer) error {
			if err := form.WriteField("title", "large"); err != nil {
				return err
			}
			w, err := form.CreateFormFile("file", "zeros")
			if err != nil {
				return err
			}
			_, err = io.CopyN(w, zeros{}, size)
			return err
		})
		ok(t, err)
		text, err := r.Text(ctx)
		ok(t, err)
		equal(t, "parts", text, fmt.Sprintf("title  5\nfile zeros %d\n", size))
		_, err = c.UploadForm(ctx, s.URL(), func(ctx context.Context, form *multipart.Writer) error {
			return looptest.ErrBoom
		})
		matches(t, err, looptest.ErrBoom)
	})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestFilesHaveRangesAndTags(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		ok(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		ok(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	write("public/a.txt", "0123456789")
	write("public/sub/index.html", "<p>home")
	write("secret", "no")
	ok(t, os.Symlink("../secret", filepath.Join(dir, "public/link")))
	root, err := os.OpenRoot(filepath.Join(dir, "public"))
	ok(t, err)
	defer root.Close()
	run(t, func(ctx context.Context) {
		for _, fsys := range []http.FileSystem{http.Dir(filepath.Join(dir, "public")), http.FS(root.FS())} {
			_, isDir := fsys.(http.Dir)
			site := http.NewServeMux()
			site.Handle("/f/", http.StripPrefix("/f", aiohttp.Files(fsys)))
			s, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", site)
			ok(t, err)
			c := &aiohttp.Client{Redirects: -1}
			ask := func(path string, fields ...string) (status int, tag, text string) {
				t.Helper()
				req, _ := http.NewRequest("GET", s.URL()+path, nil)
				for i := 0; i < len(fields); i += 2 {
					req.Header.Set(fields[i], fields[i+1])
				}
				r, err := c.Do(ctx, req)
				ok(t, err)
				text, err = r.Text(ctx)
				ok(t, err)
				return r.StatusCode, r.Header.Get("ETag"), text
			}
			status, tag, text := ask("/f/a.txt")
			equal(t, "whole", fmt.Sprint(status, tag != "", text), "200 true0123456789")
			status, _, text = ask("/f/a.txt", "Range", "bytes=2-4", "If-Range", tag)
			equal(t, "range", fmt.Sprint(status, text), "206234")
			status, _, text = ask("/f/a.txt", "Range", "bytes=2-4", "If-Range", `"old"`)
			equal(t, "range of another", fmt.Sprint(status, text), "2000123456789")
			status, again, text := ask("/f/a.txt", "If-None-Match", tag)
			equal(t, "known", fmt.Sprint(status, again == tag, text), "304 true")
			status, _, _ = ask("/f/a.txt", "If-Match", `"old"`)
			equal(t, "no match", status, 412)
			status, tag, text = ask("/f/sub/")
			equal(t, "index", fmt.Sprint(status, tag != "", text), "200 true<p>home")
			status, tag, _ = ask("/f/sub/index.html")
			equal(t, "redirect", fmt.Sprint(status, tag), "301")
			status, tag, _ = ask("/f/none")
			equal(t, "none", fmt.Sprint(status, tag), "404")
			status, _, text = ask("/f/..%2fsecret")
			equal(t, "above", status != 200 && !strings.Contains(text, "no\n"), true)
			if status, _, text = ask("/f/link"); !isDir && (status == 200 || text == "no") {
				t.Error("a link leads out of the root")
			}
			c.Close()
			s.Close()
		}
	})
}
