package aiohttp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"unicode"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
)

const secretURL = "?token=s3cret&page=s3cret"

// withSecrets returns a URL with a user, a password and parameters that nobody may see.
func withSecrets(url string) string {
	return strings.Replace(url, "://", "://s3cret:s3cret@", 1) + secretURL + "#s3cret"
}

// safe fails the test if text shows a secret or anything that acts on a terminal or a log.
func safe(t *testing.T, what, text string) {
	t.Helper()
	if strings.Contains(text, "s3cret") {
		t.Errorf("%s shows a secret: %q", what, text)
	}
	if strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsControl(r) ||
			unicode.Is(unicode.Bidi_Control, r)
	}) {
		t.Errorf("%s shows what a peer sent as it is: %q", what, text)
	}
}

func TestNothingShowsTheSecretsOfURLs(t *testing.T) {
	torn := "HTTP/1.1 200 OK\r\nTorn: yes\r\nContent-Length: 4\r\n\r\n{"
	base, _ := rawSite(t, func(path string) string {
		switch path {
		case "/torn":
			return torn + "x"
		case "/unauthorized":
			return "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"
		case "/mail":
			return "HTTP/1.1 302 Found\r\nLocation: mailto://s3cret@x?a=s3cret\r\nContent-Length: 0\r\n\r\n"
		case "/nourl":
			return "HTTP/1.1 302 Found\r\nLocation: http://s3cret:s3cret@x:y/?a=s3cret\r\nContent-Length: " +
				"0\r\n\r\n"
		case "/round":
			return "HTTP/1.1 302 Found\r\nLocation: /round?a=s3cret\r\nContent-Length: 0\r\n\r\n"
		case "/long":
			return "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nlong long "
		}
		return "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntext"
	})
	run(t, func(ctx context.Context) {
		c := aiohttp.Client{MaxBody: 5, MaxLine: 2, Retry: aiohttp.Retry{Attempts: 2, Backoff: noWait}}
		defer c.Close()
		failing := func(what string, err error) {
			t.Helper()
			if err == nil {
				t.Error(what, ": no error")
				return
			}
			safe(t, what, err.Error())
			safe(t, what+" in detail", fmt.Sprintf("%+v", err))
		}
		for _, url := range []string{"http://127.0.0.1:1/", "https://127.0.0.1:1/", "ftp://x/", base +
			"/mail", base + "/nourl", base +
			"/round", "http://no such host/", "http://x:port/", "http://[::1/", "%zz://", "http://x/%zz"} {
			_, err := c.Get(ctx, withSecrets(url))
			failing("Get "+url, err)
			_, err = aiohttp.GetJSON[int](ctx, &c, withSecrets(url))
			failing("GetJSON "+url, err)
			_, err = c.Upload(ctx, "PUT", withSecrets(url), "", func(context.Context, io.Writer) error {
				return nil
			})
			failing("Upload "+url, err)
		}
		_, err := c.Get(ctx, "http://user:s3cret/x@host/")
		failing("a password with a slash", err)
		r, err := c.Get(ctx, withSecrets(base+"/"))
		ok(t, err)
		safe(t, "String", r.String())
		_, err = aiohttp.DecodeJSON[int](ctx, r)
		failing("DecodeJSON", err)
		for _, path := range []string{"/torn", "/long"} {
			r, err = c.Get(ctx, withSecrets(base+path))
			ok(t, err)
			_, err = r.Bytes(ctx)
			failing("Bytes of "+path, err)
			r, err = c.Get(ctx, withSecrets(base+path))
			ok(t, err)
			for _, err = range r.Lines(ctx) {
			}
			failing("Lines of "+path, err)
			r.Close()
		}
		r, err = c.Get(ctx, withSecrets(base+"/unauthorized"))
		ok(t, err)
		failing("Check", r.Check(ctx))
	})
}

func TestNoTaskIsNamedAfterASecret(t *testing.T) {
	virtually(t, func(ctx context.Context) {
		look := func() {
			for _, task := range aio.RunningLoop(ctx).Snapshot(false).Tasks {
				safe(t, "snapshot", fmt.Sprintf("%+v", task))
			}
		}
		c := aiohttp.Client{Limit: 1, Transport: aiohttp.Direct(aiohttp.HandlerFunc(func(
			ctx context.Context, w http.ResponseWriter, r *http.Request,
		) error {
			equal(t, "secret", r.URL.Query().Get("token"), "s3cret")
			look()
			w.(http.Flusher).Flush()
			_, err := io.Copy(io.Discard, r.Body)
			return err
		}))}
		defer c.Close()
		r, err := c.Upload(ctx, "PUT", withSecrets("http://h/"), "",
			func(ctx context.Context, w io.Writer) error {
				return aio.Yield(ctx)
			})
		ok(t, err)
		waiter := aio.Start(ctx, func(ctx context.Context) error {
			_, err := c.Get(ctx, withSecrets("http://h/"))
			return err
		})
		yields(ctx, 3)
		look()
		waiter.Cancel(nil)
		r.Close()
	})
}

// What a peer sends is not shown as it is: not in the status, not in a field, not in errors of
// net/http.
func TestWhatPeersSendIsMadeSafeToShow(t *testing.T) {
	const evil = "\x1b[2J\x07\u009b31m\u202e\u2066"
	answers := map[string]string{
		"/status": "HTTP/1.1 404 " + evil + "\r\nContent-Length: 0\r\n\r\n",
		"/body": "HTTP/1.1 500 No\r\nContent-Length: 30\r\n\r\n" +
			(evil + strings.Repeat("x", 30))[:30],
		"/bidi": "HTTP/1.1 500 No\r\nContent-Length: 10\r\n\r\n" + ("a\u202eb" +
			strings.Repeat("x", 10))[:10],
		"/line":    "HTTP/1.1 200 OK\r\nbad" + evil + "line\r\n\r\n",
		"/proto":   "HTTQ/1.1" + evil + " 200 OK\r\n\r\n",
		"/code":    "HTTP/1.1 2" + evil + "0 OK\r\n\r\n",
		"/length":  "HTTP/1.1 200 OK\r\nContent-Length: 1" + evil + "\r\n\r\n",
		"/coding":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: x" + evil + "\r\n\r\n",
		"/to":      "HTTP/1.1 302 Found\r\nLocation: mailto:" + evil + "\r\nContent-Length: 0\r\n\r\n",
		"/to2":     "HTTP/1.1 302 Found\r\nLocation: /\u202e%1b\r\nContent-Length: 0\r\n\r\n",
		"/chunked": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz" + evil + "\r\n",
		"/json": "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n" + ("\"\x1b[2J" +
			strings.Repeat("x", 10))[:10],
	}
	base, _ := rawSite(t, func(path string) string {
		if a, ok := answers[path]; ok {
			return a
		}
		return "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"
	})
	run(t, func(ctx context.Context) {
		var c aiohttp.Client
		defer c.Close()
		for path := range answers {
			_, err := aiohttp.GetJSON[int](ctx, &c, base+path)
			if err == nil {
				t.Errorf("%s: no error", path)
				continue
			}
			safe(t, path, err.Error())
			r, err := c.Get(ctx, base+path)
			if err != nil {
				safe(t, path, err.Error())
				continue
			}
			safe(t, path, r.String())
			if _, err := r.Text(ctx); err != nil {
				safe(t, path, err.Error())
			}
		}
		r, err := c.Get(ctx, base+"/status")
		ok(t, err)
		if !strings.Contains(r.Status, "\x1b") {
			t.Errorf("the field is not as it was sent: %q", r.Status)
		}
		r.Close()
	})
}

// An error keeps what can be asked of it when its text was made safe.
func TestASafeErrorIsStillTheSame(t *testing.T) {
	inner := &net.OpError{Op: "read", Err: errors.New("\x1b[2J")}
	run(t, func(ctx context.Context) {
		c := aiohttp.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
			return nil, inner
		})}
		defer c.Close()
		_, err := c.Get(ctx, "http://x/")
		matches(t, err, inner)
		equal(t, "text", err.Error(), `Get "http://x/": read: \x1b[2J`)
	})
}
