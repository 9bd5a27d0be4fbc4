package aiohttp_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// sees tells all that a handler can know of a request, body and trailers included.
func sees(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s %.99q %.99q %q %s %d %v %v %v\n", r.Method, r.RequestURI, r.URL.String(),
		r.Host, r.Proto,
		r.ContentLength, r.TransferEncoding, r.Close, r.Body == http.NoBody)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		for i, v := range r.Header[name] {
			if i < 5 {
				fmt.Fprintf(w, "%q: %.40q %d of %d\n", name, v, len(v), len(r.Header[name]))
			}
		}
	}
	fmt.Fprintf(w, "%.60q %d %v %v", body, len(body), err, r.Trailer)
}

func init() {
	raw := func(name, request string) {
		exchangeCases = append(exchangeCases, exchangeCase{
			name:    name,
			request: request,
			h:       sees,
			direct:  rawOnly,
		})
	}
	line := func(l string) {
		raw("the line "+fmt.Sprintf("%.50q, %d", l, len(l)), l+"\r\nHost: x\r\n\r\n")
	}
	for _, l := range []string{
		"GET http://example.com/a?b " +
			"HTTP/1.1", "GET http://user@example.com/ HTTP/1.1", "GET https://example.com HTTP/1.1",
		"GET //a//b " +
			"HTTP/1.1", "GET /%zz HTTP/1.1", "GET /a b HTTP/1.1", "GET /a#f HTTP/1.1", "GET ?q HTTP/1.1",
		"GET a HTTP/1.1", "GET  HTTP/1.1", "GET * HTTP/1.1", "GET /\x80\xff " +
			"HTTP/1.1", "GET /\x00 HTTP/1.1",
		"get / HTTP/1.1", "G@T / HTTP/1.1", "G(T / HTTP/1.1", " GET / HTTP/1.1", "GET\t/ HTTP/1.1",
		"GET / HTTP/1.1 ",
		"GET / HTTP/1.2", "GET / HTTP/2.0", "GET / HTTP/0.9", "GET / http/1.1", "GET / HTTP/1",
		"GET / HTTP/1.10",
		"GET / HTTP/01.1", "GET /  HTTP/1.1", "PRI * HTTP/2.0", "CONNECT example.com:443 HTTP/1.1",
		"CONNECT /path HTTP/1.1", "CONNECT example.com HTTP/1.1", "GET /" +
			strings.Repeat("x", 60_000) + " HTTP/1.1",
		"GET /" + strings.Repeat("x", 80_000) +
			" HTTP/1.1", "GET /a%2fb;c=d HTTP/1.1", "GET /.././a HTTP/1.1",
		"", "GET", "GET /", ":", "\x00",
	} {
		line(l)
	}
	host := func(fields string) {
		raw(fmt.Sprintf("hosts %.50q", fields), "GET / HTTP/1.1\r\n"+fields+"\r\n")
	}
	for _, f := range []string{
		"Host:\r\n", "Host: \t \r\n", "Host: a b\r\n", "Host: a/b\r\n", "Host: [::1]:80\r\n",
		"Host: x@y\r\n",
		"HOST: x\r\n", "host:x\r\n", "Host: x\r\nHost: " +
			"x\r\n", "Host: x \t\r\n", "Host : x\r\n", " Host: x\r\n",
		"Host: x\r\n y\r\n", "Host: x\r\n\ty\r\n", "Host:\r\n x\r\n", "Host: x\x00\r\n",
		"Host: \"x\"\r\n", "Host: ü\r\n",
		"X: y\r\n Host: x\r\n", "Hosts: x\r\n", "Host: <x>\r\n", "Host: x\rHost: y\r\n",
		"Host: x\r\n \r\n", "Host: x\r\n \r\n y\r\n", "Host: x\r\r\n", "Host:\r\n \r\n", "Host:\r\n\t \r\n x \r\n", "Host: x \n\ty \n",
	} {
		host(f)
		raw(fmt.Sprintf("absolute target, hosts %.50q", f), "GET http://e/ HTTP/1.1\r\n"+f+"\r\n")
	}
	raw("HTTP/1.0 with two hosts", "GET / HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n")
	raw("HTTP/1.0 with a bad host", "GET / HTTP/1.0\r\nHost: a b\r\n\r\n")
	raw("CONNECT without a host", "CONNECT example.com:443 HTTP/1.1\r\n\r\n")

	field := func(f string) {
		raw(fmt.Sprintf("the field %.50q, %d", f, len(f)), "GET / HTTP/1.1\r\nHost: x\r\n"+f+"\r\n\r\n")
	}
	for _, f := range []string{
		"X: a\r\n b", "X: a\r\n\tb\r\n  c", "X:\r\n b", "X: a\r\n ", "X", ": y", "X y: z", "X\ty: z",
		"X\x00: y", "X: a\x00b",
		"X: a\x7fb", "X: a\x80b", "X: a\rb", "X: a\nY: b", "X:", "X:   ", "X: \ta b\t ", "X:a",
		"x-lower: 1", "X_under: 1",
		"X.dot!#$%&'*+-^`|~: 1", "(X): 1", "X[]: 1", "X: " +
			strings.Repeat("y", 30_000), "X: " + strings.Repeat("y", 80_000),
		strings.TrimSuffix(strings.Repeat("X: y\r\n", 1000),
			"\r\n"), strings.TrimSuffix(strings.Repeat("X: y\r\n", 20_000), "\r\n"),
		"Cookie: a=b\r\nCookie: " +
			"c=d", "Connection: close", "Connection: Close", "Connection: keep-alive, close",
		"Connection: x,close", "Connection: closex", "Connection: x\r\nConnection: " +
			"close", "Connection: upgrade\r\nUpgrade: h2c",
		"Connection:", "Keep-Alive: " +
			"timeout=5", "Expect:", "Expect: 100-continue", "Expect: 100-Continue", "Expect: x",
		"Expect: " +
			"100-continue, x", "Trailer: X-A", "Content-Length: 0", "Content-Length:",
		"TE: trailers", "\x80: x",
		"Proxy-Connection: close", "Pragma: no-cache", "Range: bytes=0-1",
	} {
		field(f)
	}
	for _, f := range []string{"close", "keep-alive", "Keep-Alive", "keep-alive, close", "x", ""} {
		raw("HTTP/1.0, Connection: "+f, "GET / HTTP/1.0\r\nConnection: "+f+"\r\n\r\n")
	}
	raw("line feeds alone", "GET / HTTP/1.1\nHost: x\nX: y\n\n")
	raw("line feeds alone, and a body", "POST / HTTP/1.1\nHost: x\nContent-Length: 5\n\nhello")
	raw("line ends of both kinds", "GET / HTTP/1.1\nHost: x\r\nX: y\n\r\n")
	raw("an empty line before", "\r\n"+get)
	raw("a line feed before", "\n"+get)
	raw("a carriage return before", "\r"+get)
	for n := range 5 {
		raw(fmt.Sprint(n+1, " empty lines after a POST"), post+strings.Repeat("\r\n", n+1)+get)
	}
	raw("an empty line after a GET", get+"\r\n"+get)
	raw("the end of a line is two carriage returns", "GET / HTTP/1.1\r\r\nHost: x\r\n\r\n")

	length := func(f string) {
		raw(fmt.Sprintf("length %q", f), "POST / HTTP/1.1\r\nHost: x\r\n"+f+"\r\n\r\nhello")
	}
	for _, f := range []string{
		"Content-Length: 5", "Content-Length: " +
			"5\r\nContent-Length: 5", "Content-Length: 5, 5", "Content-Length: 5 ",
		"Content-Length:\t5", "Content-Length: -5", "Content-Length: " +
			"0x5", "Content-Length: 5;", "Content-Length: 05",
		"Content-Length: " +
			"99999999999999999999", "Content-Length: 5.0", "Content-Length: five", "Content-Length: 5\r\n 5",
		"Content-Length: " +
			"5\r\nContent-Length: 05", "Content-Length:\r\n 5", "content-length: 5", "Content_Length: 5",
		"Content-Length : 5", "Content-Length: 5\r\nTransfer-Encoding: " +
			"identity", "Content-Length: 5\r\nTransfer-Encoding:",
		"Content-Length: " +
			"\x0b5", "Content-Length: ٥", "Content-Length: 5\r\nX: y", "X: y\r\nContent-Length: 5",
	} {
		length(f)
	}
	raw("GET with a body", "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello")
	raw("HEAD with a body", "HEAD / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello")
	raw("HTTP/1.0 with a body", "POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello")
	raw("OPTIONS of all with a body",
		"OPTIONS * HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello")
	raw("OPTIONS of all with a large body",
		"OPTIONS * HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n"+strings.Repeat("x", 5000))

	// What a proxy in front may understand in another way.
	coding := func(f string) {
		raw(fmt.Sprintf("coding %q",
			f), "POST / HTTP/1.1\r\nHost: x\r\n"+f+"\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
	}
	for _, f := range []string{
		"Content-Length: 15\r\nTransfer-Encoding: " +
			"chunked", "Transfer-Encoding: chunked\r\nContent-Length: 15",
		"Content-Length: 3\r\nTransfer-Encoding: " +
			"chunked", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
		"Transfer-Encoding: chunked\r\nTransfer-Encoding: " +
			"identity", "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
		"Transfer-Encoding: chunked, " +
			"chunked", "Transfer-Encoding: identity, chunked", "Transfer-Encoding: chunked, identity",
		"Transfer-Encoding: gzip, " +
			"chunked", "Transfer-Encoding: chunked, gzip", "Transfer-Encoding: Chunked",
		"Transfer-Encoding: " +
			"CHUNKED", "Transfer-Encoding:chunked", "Transfer-Encoding:\tchunked", "Transfer-Encoding: " +
			"chunked ",
		"Transfer-Encoding: xchunked", "Transfer-Encoding: " +
			"chunkedx", "Transfer-Encoding: \x0bchunked", "Transfer-Encoding: chunked\x00",
		"Transfer-Encoding : chunked", " Transfer-Encoding: " +
			"chunked", "Transfer-Encoding:\r\n chunked", "Transfer-Encoding: ch\r\n unked",
		"Transfer_Encoding: chunked", "transfer-encoding: " +
			"chunked", "Transfer-Encoding: 'chunked'", "Transfer-Encoding: \"chunked\"",
		"X: y\r\n Transfer-Encoding: " +
			"chunked", "X: y\rTransfer-Encoding: chunked", "Transfer-Encoding: chunked;q=1",
		"Transfer-Encoding: " +
			"chunked\r\nContent-Length: 0", "Transfer-Encoding:", "Transfer-Encoding: , chunked",
	} {
		coding(f)
	}
	raw("HTTP/1.0 in chunks",
		"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
	raw("GET in chunks",
		"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")

	chunks := func(b string) {
		raw(fmt.Sprintf("chunks %.50q",
			b), "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"+b)
	}
	for _, b := range []string{
		"0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n", "5;a=b\r\nhello\r\n0\r\n\r\n",
		"5;a=\"b;c\"\r\nhello\r\n0;x\r\n\r\n", "5 \r\nhello\r\n0\r\n\r\n",
		"5 ;x\r\nhello\r\n0\r\n\r\n", "5\t\r\nhello\r\n0\r\n\r\n", " 5\r\nhello\r\n0\r\n\r\n",
		"0x5\r\nhello\r\n0\r\n\r\n", "-5\r\nhello\r\n0\r\n\r\n",
		"+5\r\nhello\r\n0\r\n\r\n", "\r\nhello\r\n0\r\n\r\n", "g\r\nhello\r\n0\r\n\r\n",
		"5\nhello\n0\n\n", "5\r\nhello\n0\r\n\r\n",
		"5\r\nhelloX\r\n0\r\n\r\n", "5\r\nhello0\r\n\r\n", "5\r\nhello\r\r\n0\r\n\r\n",
		"5\rhello\r\n0\r\n\r\n", "0005\r\nhello\r\n000\r\n\r\n",
		"A\r\nhellohello\r\n0\r\n\r\n", "a\r\nhellohello\r\n0\r\n\r\n",
		"FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n", "4\r\nhello\r\n0\r\n\r\n", "6\r\nhello\r\n0\r\n\r\n",
		"5;" + strings.Repeat("x", 5000) + "\r\nhello\r\n0\r\n\r\n", strings.Repeat("1;"+
			strings.Repeat("y", 2000)+"\r\nx\r\n", 40) + "0\r\n\r\n",
		strings.Repeat("1\r\nx\r\n", 3000) + "0\r\n\r\n", "5\r\nhello\r\n0\r\nX-A: 1\r\nX-B: " +
			"2\r\n\r\n", "5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n",
		"5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n", "5\r\nhello\r\n0\r\nno " +
			"colon\r\n\r\n", "5\r\nhello\r\n0\r\nX: a\r\n b\r\n\r\n",
		"5\r\nhello\r\n0\r\n X: a\r\n\r\n", "5\r\nhello\r\n0\r\nX: " + strings.Repeat("y", 5000) +
			"\r\n\r\n", "5\r\nhello\r\n0\r\n\n", "5\r\nhello\r\n0\n\r\n",
		"5\r\nhello\r\n0\r\nX: " +
			"\x00\r\n\r\n", "5;\nhello\r\n0\r\n\r\n", "5;a\rb\r\nhello\r\n0\r\n\r\n",
		"5\r\nhello\r\n00000000000000000\r\n\r\n", "5\r\nhello\r\n0\r\n",
		"1F4\r\n" + strings.Repeat("x", 500) + "\r\n" + "2710\r\n" + strings.Repeat("y", 10_000) +
			"\r\n0\r\n\r\n",
	} {
		chunks(b)
	}
	raw("chunks, then a request", chunked+chunked+post+get)
	raw("a request in a body", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 37\r\n\r\nGET "+
		"/smuggled HTTP/1.1\r\nHost: x\r\n\r\nabc"+get)
	raw("a mistake behind a request", get+"GET / HTTP/1.1\r\nHost: x\r\nX y: z\r\n\r\n"+get)
	raw("twenty requests", strings.Repeat(get, 20))
	raw("requests of all kinds", get+head+post+chunked+"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"+get)
	raw("a close among requests", get+"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"+get)
	raw("HTTP/1.0 among requests", get+"GET / HTTP/1.0\r\n\r\n"+get)
	raw("HTTP/1.0 that keeps among requests",
		get+"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"+get)
}
