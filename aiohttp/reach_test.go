package aiohttp_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/internal/realm"
	"github.com/aio-go/aio/internal/tlstest"
)

func TestAClientForPublicAddressesConnectsToNoOthers(t *testing.T) {
	a := tlstest.New(t)
	s := site(t, func(http.ResponseWriter, *http.Request) { t.Error("it was asked") })
	secure := httptest.NewUnstartedServer(s.Config.Handler)
	secure.TLS = a.Server()
	secure.StartTLS()
	defer secure.Close()
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	run(t, func(ctx context.Context) {
		c := aiohttp.Client{Reach: aiohttp.PublicOnly, TLS: a.Client(), Retry: aiohttp.Retry{Attempts: 3}}
		defer c.Close()
		for _, url := range []string{s.URL, "http://localhost:" + port, "http://LOCALHOST:" + port,
			"http://[::ffff:127.0.0.1]:" + port, "http://0.0.0.0:" +
				port, "http://[::]:" + port, secure.URL, "http://169.254.169.254/latest/"} {
			_, err := c.Get(ctx, url)
			if err == nil {
				t.Errorf("%s was reached", url)
				continue
			}
			matches(t, err, aiohttp.ErrReach)
			if strings.Contains(err.Error(), "tries") {
				t.Error(err)
			}
		}
	})
}

func TestAClientForPublicAddressesUsesNoProxy(t *testing.T) {
	proxy := site(t, func(http.ResponseWriter, *http.Request) { t.Error("the proxy was asked") })
	t.Setenv("HTTP_PROXY", proxy.URL)
	t.Setenv("HTTPS_PROXY", proxy.URL)
	run(t, func(ctx context.Context) {
		for _, reach := range []aiohttp.Reach{aiohttp.PublicOnly, aiohttp.NoNarrower} {
			c := aiohttp.Client{Reach: reach}
			defer c.Close()
			if _, err := c.Get(ctx, "http://nowhere.invalid/"); err == nil {
				t.Error("nowhere answers")
			}
		}
	})
}

func TestReachNeedsATransportOfTheClient(t *testing.T) {
	run(t, func(ctx context.Context) {
		defer func() {
			if v, _ := recover().(string); !strings.HasPrefix(v,
				"aiohttp: Client.Do: Reach cannot be kept with a Transport of your own") {
				t.Error(v)
			}
		}()
		c := aiohttp.Client{Reach: aiohttp.NoNarrower, Transport: http.DefaultTransport}
		c.Get(ctx, "http://x/")
	})
}

// 127.0.0.2 stands for a public address here.
func TestRedirectsLeadToNoNarrowerAddressThanTheFirst(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has a whole network of loopback addresses")
	}
	defer realm.PretendPublic()()
	asked := make(chan string, 10)
	inner := site(t, func(w http.ResponseWriter, r *http.Request) {
		asked <- "inner " + r.URL.Path
		if to := r.URL.Query().Get("to"); to != "" {
			http.Redirect(w, r, to, http.StatusTemporaryRedirect)
		}
	})
	outer := httptest.NewUnstartedServer(http.HandlerFunc(func(
		w http.ResponseWriter, r *http.Request,
	) {
		asked <- "outer " + r.URL.Path
		if to := r.URL.Query().Get("to"); to != "" {
			http.Redirect(w, r, to, http.StatusTemporaryRedirect)
		}
	}))
	l, err := net.Listen("tcp", "127.0.0.2:0")
	ok(t, err)
	outer.Listener.Close()
	outer.Listener = l
	outer.Start()
	defer outer.Close()
	for _, test := range []struct {
		reach   aiohttp.Reach
		url     string
		refused bool
		asked   []string
	}{
		{aiohttp.Anywhere, outer.URL + "/?to=" + inner.URL +
			"/in", false, []string{"outer /", "inner /in"}},
		{aiohttp.NoNarrower, outer.URL + "/?to=" + inner.URL + "/in", true, []string{"outer /"}},
		{aiohttp.NoNarrower, outer.URL + "/?to=/b?to=" + inner.URL, true,
			[]string{"outer /", "outer /b"}},
		{aiohttp.NoNarrower, outer.URL + "/?to=/b", false, []string{"outer /", "outer /b"}},
		{aiohttp.NoNarrower, inner.URL + "/?to=/b", false, []string{"inner /", "inner /b"}},
		{aiohttp.NoNarrower, inner.URL + "/?to=" + outer.URL +
			"/out", false, []string{"inner /", "outer /out"}},
		{aiohttp.PublicOnly, outer.URL + "/?to=" + inner.URL, true, []string{"outer /"}},
		{aiohttp.PublicOnly, inner.URL, true, nil},
	} {
		run(t, func(ctx context.Context) {
			c := aiohttp.Client{Reach: test.reach}
			defer c.Close()
			if test.reach == aiohttp.NoNarrower { // a connection that is kept is no way around it
				r, err := c.Get(ctx, inner.URL)
				text(ctx, t, r, err)
				<-asked
			}
			r, err := c.Get(ctx, test.url)
			if test.refused {
				matches(t, err, aiohttp.ErrReach)
			} else {
				text(ctx, t, r, err)
			}
			var got []string
			for len(asked) > 0 {
				got = append(got, <-asked)
			}
			equalSlices(t, test.url, got, test.asked)
		})
	}
}

func TestRedirectsLeadFromTheWebToTheWebOnly(t *testing.T) {
	for _, to := range []string{"unix:/run/docker.sock:/v1", "unix:///run/x",
		"http+unix://%2Frun%2Fx/", "file:///etc/passwd", "ftp://x/", "gopher://x/", "javascript:1",
		"data:,x", "mailto:me", "http:/no/host", "https:opaque", "http://"} {
		s := site(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Location"] = []string{to}
			w.WriteHeader(http.StatusTemporaryRedirect)
		})
		run(t, func(ctx context.Context) {
			for _, transport := range []http.RoundTripper{nil, everyScheme(t),
				aiohttp.Direct(s.Config.Handler)} {
				c := aiohttp.Client{Transport: transport}
				defer c.Close()
				r, err := c.Get(ctx, s.URL)
				if to == "http:/no/host" { // a path of this host, by the rules for references
					if err == nil {
						r.Close()
					}
					continue
				}
				if err == nil || !strings.Contains(err.Error(), "aiohttp: redirected to") {
					t.Errorf("%s: %v", to, err)
				}
			}
		})
	}
}

// everyScheme is a transport that would follow to anywhere.
func everyScheme(t *testing.T) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.URL.Scheme != "http" {
			t.Errorf("%s was asked", r.URL)
		}
		return http.DefaultTransport.RoundTrip(r)
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
