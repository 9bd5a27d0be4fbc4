package aiohttp

import (
	"bufio"
	"bytes"
	"context"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

// headsOfClients are what widespread clients send for a plain request.
var headsOfClients = map[string]string{
	"curl": "GET /a/b.html?q=1&r=%20x HTTP/1.1\r\nHost: example.com:8080\r\n" +
		"User-Agent: curl/8.5.0\r\nAccept: */*\r\n\r\n",
	"Go": "POST /v1/items HTTP/1.1\r\nHost: 127.0.0.1:80\r\nUser-Agent: Go-http-client/1.1\r\n" +
		"Content-Length: 12\r\nContent-Type: application/json\r\nAccept-Encoding: gzip\r\n\r\n",
	"Firefox": "GET / HTTP/1.1\r\nHost: [::1]:443\r\n" +
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n" +
		"Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8\r\nAccept-Language: en-US,en;q=0.5\r\n" +
		"Accept-Encoding: gzip, deflate, br\r\nConnection: keep-alive\r\nCookie: a=b; c=d\r\n" +
		"Cookie: e=f\r\nSec-Fetch-Dest: document\r\nPriority: u=0, i\r\n\r\n",
	"aiohttp": "DELETE /x HTTP/1.1\r\nhost: localhost\r\naccept: */*\r\ncontent-length: 0\r\n\r\n",
}

func TestHeadsOfWidespreadClientsAreParsedHereAsNetHTTPDoes(t *testing.T) {
	for client, head := range headsOfClients {
		if !parsedAlike(t, []byte(head)) {
			t.Errorf("the head of %s is not plain", client)
		}
	}
}

// What may be understood in several ways is net/http's to decide.
func TestUnusualHeadsAreLeftToNetHTTP(t *testing.T) {
	const rest = "Host: a\r\n\r\n"
	for _, head := range []string{
		"GET / HTTP/1.0\r\n" + rest, "GET / HTTP/1.1\n" + rest, "GET  / HTTP/1.1\r\n" + rest,
		"GET /%41 HTTP/1.1\r\n" + rest, "GET /? HTTP/1.1\r\n" + rest, "GET /a b HTTP/1.1\r\n" + rest,
		"GET http://b/ HTTP/1.1\r\n" + rest, "CONNECT /a HTTP/1.1\r\n" + rest,
		"get / HTTP/1.1\r\n" + rest, " GET / HTTP/1.1\r\n" + rest, "GET * HTTP/1.1\r\n" + rest,
		"\r\nGET / HTTP/1.1\r\n" + rest, "GET / HTTP/1.1 \r\n" + rest, "GET /#a HTTP/1.1\r\n" + rest,
		"GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
		"GET / HTTP/1.1\r\nX: y\r\n folded\r\n" + rest, "GET / HTTP/1.1\r\nX : y\r\n" + rest,
		"GET / HTTP/1.1\r\n: y\r\n" + rest, "GET / HTTP/1.1\r\nX\r\n" + rest,
		"GET / HTTP/1.1\r\nX: \x00\r\n" + rest, "GET / HTTP/1.1\r\nX: \r\r\n" + rest,
		"GET / HTTP/1.1\r\nX_Y: z\r\n" + rest, "GET / HTTP/1.1\r\nX: \xe4\r\n" + rest,
		"GET / HTTP/1.1\r\nConnection: close\r\n" + rest,
		"GET / HTTP/1.1\r\nUpgrade: websocket\r\n" + rest, "GET / HTTP/1.1\r\nPragma: no-cache\r\n" + rest,
		"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + rest,
		"POST / HTTP/1.1\r\nTrailer: X\r\n" + rest, "POST / HTTP/1.1\r\nExpect: 100-continue\r\n" + rest,
		"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n" + rest,
		"POST / HTTP/1.1\r\nContent-Length: +1\r\n" + rest, "POST / HTTP/1.1\r\nContent-Length: 1,1\r\n" + rest,
		"POST / HTTP/1.1\r\nContent-Length: 0x1\r\n" + rest, "POST / HTTP/1.1\r\nContent-Length: \r\n" + rest,
		"POST / HTTP/1.1\r\nContent-Length: 9223372036854775808\r\n" + rest,
		"GET / HTTP/1.1\r\nX: " + strings.Repeat("y", maxPlain) + "\r\n" + rest,
	} {
		if parsedAlike(t, []byte(head)) {
			t.Errorf("%.60q is taken for a plain head", head)
		}
	}
}

// parsedAlike reports whether head is plain. A plain head must be one that net/http accepts, and
// understands in the same way.
func parsedAlike(t *testing.T, head []byte) bool {
	t.Helper()
	got := &http.Request{}
	name, ok := parsePlain(got, head)
	if !ok {
		return false
	}
	want, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
	if err != nil {
		t.Fatalf("net/http refuses %q: %v", head, err)
	}
	host, has := hostField(head)
	if err := checkFields(want, host, has, false); err != nil {
		t.Fatalf("net/http's server refuses %q: %v", head, err)
	}
	if name != taskName(want) {
		t.Errorf("the task of %q is %q", head, name)
	}
	want.Body = got.Body // the server has its own
	ctx := context.Background()
	if want, got = want.WithContext(ctx), got.WithContext(ctx); !reflect.DeepEqual(got, want) {
		t.Errorf("%q:\n%+v\nnet/http:\n%+v", head, got, want)
	}
	for field, values := range got.Header {
		if cap(values) != len(values) && len(values) == 1 {
			t.Errorf("%s: to append to it would change another field", field)
		}
	}
	return true
}

func FuzzPlainHead(f *testing.F) {
	for _, head := range headsOfClients {
		f.Add([]byte(head))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		if end, _ := headEnd(b, 0); end >= 0 {
			parsedAlike(t, b[:end])
		}
	})
}

func BenchmarkPlainHead(b *testing.B) {
	head := []byte(headsOfClients["curl"])
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := parsePlain(&http.Request{}, head); !ok {
			b.Fatal("the head is not plain")
		}
	}
}
