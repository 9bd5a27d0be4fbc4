package main

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// leadsTo is a site that sends everybody to the same place.
func leadsTo(location string) stream.Handler {
	return says("HTTP/1.1 307 Temporary Redirect\r\nLocation: " + location +
		"\r\nContent-Length: 0\r\n\r\n")
}

func TestNoRedirectLeadsToASocket(t *testing.T) {
	v := newVillage(t)
	socket := v.serveUnix(func(context.Context, *stream.Reader, *stream.Writer) error {
		t.Error("somebody was sent to the socket")
		return nil
	})
	for _, to := range []string{
		"unix:" + socket + ":/drop", "UNIX:" + socket + ":/", "unix://" + socket, "unix:///" +
			socket, "file://" + socket, "http+unix://" + strings.ReplaceAll(socket, "/", "%2f") + "/",
	} {
		start := "http://" + v.serve(leadsTo(to)) + "/"
		twice := "http://" + v.serve(leadsTo(start)) + "/" // by way of a second site
		for _, url := range []string{start, twice} {
			got := sitecheck(t.Context(), "-json", "-method", "POST", url)
			records := readRecords(t, got.out)
			if got.code != someDidNot || len(records) != 1 ||
				!strings.HasPrefix(records[0].Reason, `redirect to "`) {
				t.Errorf("%s: %+v", to, got)
			}
		}
	}
	// From one socket to another neither.
	elsewhere := v.serveUnix(leadsTo("unix:" + socket + ":/"))
	if got := sitecheck(t.Context(), "unix:"+elsewhere); got.code != someDidNot ||
		!strings.Contains(got.out, "the scheme is \"unix\"") {
		t.Errorf("from a socket: %+v", got)
	}
}

func TestWithPublicNoRedirectLeadsFromTheInternetToThisMachine(t *testing.T) {
	v := newVillage(t)
	inside := "http://" + v.serve(isWell) + "/"
	// Sites here are private, so a start here may go on here.
	got := sitecheck(t.Context(), "-public", "http://"+v.serve(leadsTo(inside))+"/")
	if got.code != allAnswered {
		t.Errorf("from this machine: %+v", got)
	}
	// A site on the Internet sends us there, by way of another one.
	near := v.serve(leadsTo(inside))
	sites := internet{Network: transport.Native(), sites: map[string]string{
		"8.8.8.8:80": v.serve(leadsTo("http://near.test/")), "8.8.4.4:80": near,
	}}
	for name, reason := range map[string]string{
		"-public":       "a redirect to a private address, which -public forbids",
		"-public=false": "OK",
	} {
		got := sitecheck(transport.WithNetwork(t.Context(), sites), "-json", name, "far.test")
		records := readRecords(t, got.out)
		if len(records) != 1 || records[0].Reason != reason || len(records[0].Redirects) != 2 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// internet is a network in which two names have public addresses, which are sites of this machine.
type internet struct {
	transport.Network
	sites map[string]string // by address
}

func (n internet) LookupHost(ctx context.Context, host string) ([]netip.Addr, error) {
	switch host {
	case "far.test":
		return []netip.Addr{netip.MustParseAddr("8.8.8.8")}, nil
	case "near.test":
		return []netip.Addr{netip.MustParseAddr("8.8.4.4")}, nil
	}
	return n.Network.LookupHost(ctx, host)
}

func (n internet) Dial(
	ctx context.Context, network, address string, o transport.DialOptions,
) (transport.Conn, error) {
	site := n.sites[address]
	if site == "" {
		return n.Network.Dial(ctx, network, address, o)
	}
	c, err := n.Network.Dial(ctx, network, site, o)
	return publicConn{c, net.TCPAddrFromAddrPort(netip.MustParseAddrPort(address))}, err
}

// publicConn is a connection to a site of this machine that says it is elsewhere.
type publicConn struct {
	transport.Conn
	remote net.Addr
}

func (c publicConn) RemoteAddr() net.Addr { return c.remote }

func TestTheMethodAfterARedirectIsThatOfNetHTTP(t *testing.T) {
	for _, test := range []struct {
		code         int
		method, want string
	}{
		{301, "PUT", "GET"}, {302, "DELETE", "GET"}, {303, "PUT", "GET"}, {301, "HEAD", "HEAD"},
		{302, "OPTIONS", "GET"},
		{307, "PUT", "PUT"}, {308, "DELETE", "DELETE"}, {303, "HEAD", "HEAD"}, {301, "GET", "GET"},
	} {
		if got := methodAfter(test.code, test.method); got != test.want {
			t.Errorf("%d after %s: %s, want %s", test.code, test.method, got, test.want)
		}
	}
}

func TestAnAnswerHasBounds(t *testing.T) {
	v := newVillage(t)
	for name, test := range map[string]struct{ answer, reason string }{
		"a long place": {"HTTP/1.1 302 Found\r\nLocation: /" + strings.Repeat("a", longestURL) +
			"\r\n\r\n", "bad URL: it has more than 8192 bytes"},
		"many promises": {strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 1000), errPromises.Error()},
		"a long phrase": {"HTTP/1.1 200 " + strings.Repeat("ü", 5000) + "\r\n\r\n", ""},
		"a long head": {"HTTP/1.1 302 Found\r\n" + strings.Repeat("X: "+strings.Repeat("y", 10_000)+
			"\r\n", 100) + "Location: /x\r\n\r\n", ""},
		"a long garbage": {strings.Repeat("x", 10_000) + "\r\n", "not a website: it says"},
	} {
		got := sitecheck(t.Context(), "-json", "http://"+v.serve(says(test.answer))+"/")
		records := readRecords(t, got.out)
		if len(records) != 1 || len(got.out) > 10_000 || (test.reason == "") != (records[0].Status > 0) ||
			!strings.Contains(records[0].Reason, test.reason) {
			t.Errorf("%s: %.2000s", name, got.out)
		}
	}
}

func TestNoPasswordIsShown(t *testing.T) {
	v := newVillage(t)
	host := v.serve(leadsTo("http://bob:other-secret@" + deadSite + "/?token=third-secret"))
	for _, args := range []string{"http://anna:secret@" + host +
		"/", "-json http://anna:secret@" + host + "/", "http://anna:secret@x:0/"} {
		got := sitecheck(t.Context(), strings.Fields(args)...)
		if text := got.out + got.err; strings.Contains(text, ":secret") ||
			strings.Contains(text, "other-secret") || !strings.Contains(text, "anna") {
			t.Errorf("%s: %s", args, text)
		}
	}
}

func TestWhatASiteSaysIsSafeToShow(t *testing.T) {
	const evil = "\u202egone\u009b2J"
	v := newVillage(t)
	for _, answer := range []string{
		"HTTP/1.1 200 " + evil + "\r\n\r\n", "HTTP/1.1 302 Found\r\nLocation: /?" + evil +
			"\r\n\r\n", evil + "\r\n", "HTTP/1.1 302 Found\r\nLocation: ftp://" + evil + "\r\n\r\n",
	} {
		for _, format := range []string{"-json", "-json=false"} {
			got := sitecheck(t.Context(), format, "-redirects", "1", "http://"+v.serve(says(answer))+"/")
			if strings.ContainsAny(got.out+got.err, "\u202e\u009b") {
				t.Errorf("%q, %s: %q", answer, format, got.out)
			}
		}
	}
}

// FuzzAnswers feeds answers of a site to what reads them.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 404\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\nT: x\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
		"HTTP/1.1 302 Found\r\nLocation: unix:/run/x:/\r\n\r\n", "\x15\x03\x01",
		"HTTP/1.1 200 \x1b[2J\r\n:\r\n \r\n\r\n",
	} {
		f.Add([]byte(seed), "GET")
		f.Add([]byte(seed), "HEAD")
	}
	f.Fuzz(func(t *testing.T, data []byte, method string) {
		at, err := parseSite("http://site.test/a/b?c")
		if err != nil {
			t.Fatal(err)
		}
		// t.Context ends with the time for fuzzing
		err = aio.Run(context.Background(), func(ctx context.Context) error {
			r := stream.NewReader(maxStatusLine)
			r.FeedData(data)
			r.FeedEOF()
			c := &connection{r: r}
			a, err := c.answer(ctx, method, true)
			if err != nil {
				checkReason(t, err)
				return nil
			}
			if a.code < 100 || a.code > 999 || len([]rune(a.phrase)) > longestPhrase {
				t.Errorf("status %d, %d bytes of phrase", a.code, len(a.phrase))
			}
			to, err := a.location(ctx)
			if err != nil {
				t.Errorf("the place of a redirect: %v", err)
			}
			if to != "" {
				checkPlace(t, at, to)
			}
			before := r.Buffered()
			if err := a.skip(ctx); err == nil &&
				before-r.Buffered() > 2*(mostHead+mostRest)+mostFields*maxStatusLine {
				t.Errorf("%d bytes were skipped", before-r.Buffered())
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// checkReason checks what is said about an error.
func checkReason(t *testing.T, err error) {
	t.Helper()
	r := &row{url: "http://site.test/", tries: 1, err: err}
	if strings.ContainsFunc(r.result(), func(c rune) bool {
		return c < ' ' || c >= 0x7f && c < 0xa0 ||
			c == '\u202e'
	}) {
		t.Errorf("%q is not safe to print", r.result())
	}
}

// checkPlace checks where a redirect leads.
func checkPlace(t *testing.T, from place, to string) {
	t.Helper()
	next, err := from.resolve(to)
	if err != nil {
		return
	}
	unix := from.network == "unix" && next.network == "unix" && next.address == from.address
	if next.network != "tcp" && !unix || next.url.Scheme != "http" && next.url.Scheme != "https" ||
		next.url.User != nil || len(next.String()) > longestURL+len("unix:")+len(from.address) {
		t.Errorf("%q leads from %v to %+v", to, from, next)
	}
	var request strings.Builder
	writeRequest(&request, "GET", next, false)
	if text := request.String(); strings.Count(text, "\r\n") != 6 || strings.Count(text, "\n") != 6 ||
		len(strings.Fields(text[:strings.Index(text, "\r\n")])) != 3 {
		t.Errorf("the request after %q is %q", to, text)
	}
}

func TestARequestLineHoldsASCIIAlone(t *testing.T) {
	for to, want := range map[string]string{
		"/x?a b":         "/x?a%20b",
		"/ü?ü":           "/%C3%BC?%C3%BC",
		"/?\u00a0 ":      "/?%C2%A0%20",
		"/?\xff":         "/?%FF",
		"/?a%20b&c=%zz+": "/?a%20b&c=%zz+",
		"/a%2fb?x?y":     "/a%2fb?x?y",
	} {
		from, err := parseSite("http://site.test/")
		if err != nil {
			t.Fatal(err)
		}
		next, err := from.resolve(to)
		if err != nil {
			t.Fatalf("%q: %v", to, err)
		}
		var request strings.Builder
		writeRequest(&request, "GET", next, false)
		line, _, _ := strings.Cut(request.String(), "\r\n")
		if line != "GET "+want+" HTTP/1.1" {
			t.Errorf("the request line after %q is %q, want the page %q", to, line, want)
		}
	}
}

// FuzzRedirects resolves places from the network.
func FuzzRedirects(f *testing.F) {
	for _, seed := range []string{"/x", "//h/x", "http://h:80/?a b", "unix:/run/x:/", "?", "#x", "..",
		"http:x", "https://[::1%25x]/", "\\\\h", "http://u:p@h/", "javascript:x", "http://h/ü?ü",
		"http://localhost/x"} {
		f.Add(seed)
	}
	starts := []string{"http://site.test/a/b", "https://u:p@site.test:8443/?q", "unix:/run/site:/a"}
	f.Fuzz(func(t *testing.T, to string) {
		for _, start := range starts {
			from, err := parseSite(start)
			if err != nil {
				t.Fatal(err)
			}
			checkPlace(t, from, to)
		}
	})
}
