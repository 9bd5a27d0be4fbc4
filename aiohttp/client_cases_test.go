package aiohttp_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// furtherClientCases are the answers and requests that are seldom seen.
func furtherClientCases() (all []clientCase) {
	add := func(c clientCase) {
		if c.answers == nil {
			c.answers = []string{fine}
		}
		all = append(all, c)
	}
	ask := func(name string, change func(r *http.Request)) {
		add(clientCase{name: "a request: " + name, change: change})
		add(clientCase{name: "a request: " + name + ", POST", method: "POST",
			body: func() io.Reader { return strings.NewReader("hello") }, change: change})
	}
	set := func(pairs ...string) func(r *http.Request) {
		return func(r *http.Request) {
			for i := 0; i < len(pairs); i += 2 {
				r.Header.Add(pairs[i], pairs[i+1])
			}
		}
	}

	// What is asked.
	for name, change := range map[string]func(r *http.Request){
		"no header":            func(r *http.Request) { r.Header = nil },
		"the coding identity":  func(r *http.Request) { r.TransferEncoding = []string{"identity"} },
		"the coding gzip":      func(r *http.Request) { r.TransferEncoding = []string{"gzip"} },
		"two codings":          func(r *http.Request) { r.TransferEncoding = []string{"gzip", "chunked"} },
		"an opaque URL":        func(r *http.Request) { r.URL.Opaque = "//" + r.URL.Host + "/o?p" },
		"an opaque path":       func(r *http.Request) { r.URL.Opaque = "/%zz/o" },
		"an asterisk":          func(r *http.Request) { r.Method, r.URL.Path = "OPTIONS", "*" },
		"a question mark":      func(r *http.Request) { r.URL.ForceQuery = true },
		"an encoded path":      func(r *http.Request) { r.URL.Path, r.URL.RawPath = "/a/b c", "/a%2Fb%20c" },
		"a path without slash": func(r *http.Request) { r.URL.Path = "a" },
		"a query with blanks":  func(r *http.Request) { r.URL.RawQuery = "a b&c=ü" },
		"a line in the query":  func(r *http.Request) { r.URL.RawQuery = "a\r\nX: y" },
		"a line in the path":   func(r *http.Request) { r.URL.Path = "/a\r\nX: y" },
		"a line in the host":   func(r *http.Request) { r.Host = "a\r\nX: y" },
		"a host with a path":   func(r *http.Request) { r.Host = "a/b" },
		"a host with a zone":   func(r *http.Request) { r.Host = "[fe80::1%25eth0]:80" },
		"a host of blanks":     func(r *http.Request) { r.Host = " " },
		"a wide host":          func(r *http.Request) { r.Host = "bücher.test" },
		"a user with signs":    func(r *http.Request) { r.URL.User = url.UserPassword("u:x", "p@ü") },
		"a user without more":  func(r *http.Request) { r.URL.User = url.User("u") },
		"small letters":        func(r *http.Request) { r.Method = "get" },
		"a method in brackets": func(r *http.Request) { r.Method = "(GET)" },
		"trailers":             func(r *http.Request) { r.Trailer = http.Header{"X-Sum": {"5"}} },
		"a bad trailer":        func(r *http.Request) { r.Trailer = http.Header{"Content-Length": {"5"}} },
		"a length of -1":       func(r *http.Request) { r.ContentLength = -1 },
		"HTTP/2":               func(r *http.Request) { r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/2.0", 2, 0 },
		"many fields": func(r *http.Request) {
			for i := range 500 {
				r.Header.Add("X-"+strings.Repeat("a", i%20), strings.Repeat("v", i))
			}
		},
		"gzip asked for":       set("Accept-Encoding", "gzip"),
		"no coding asked for":  set("Accept-Encoding", ""),
		"identity asked for":   set("Accept-Encoding", "identity"),
		"two User-Agents":      set("User-Agent", "a", "User-Agent", "b"),
		"a User-Agent in two":  set("User-Agent", "a\r\nX: y"),
		"letters of all":       set("X-A", "ü€\u202e"),
		"a tab":                set("X-A", "a\tb"),
		"a NUL":                set("X-A", "a\x00b"),
		"a DEL":                set("X-A", "a\x7fb"),
		"a Keep-Alive":         set("Connection", "keep-alive", "Keep-Alive", "timeout=5"),
		"a Connection: Close":  set("Connection", "Close"),
		"two Connections":      set("Connection", "x", "Connection", "close"),
		"Proxy fields":         set("Proxy-Connection", "x", "Proxy-Authorization", "y"),
		"an Expect of another": set("Expect", "x"),
		"a Content-Type":       set("Content-Type", "a/b", "Content-Encoding", "gzip"),
		"cookies in two":       set("Cookie", "a=b", "Cookie", "c=d"),
	} {
		ask(name, change)
	}
	for _, m := range []string{"HEAD", "CONNECT", "PROPFIND", "SEARCH"} {
		add(clientCase{name: "a request: " + m, method: m, asks: 1})
		add(clientCase{name: "a request: " + m + " with a body", method: m, asks: 1,
			body: func() io.Reader { return strings.NewReader("hello") }})
	}

	// 100-continue.
	expects := set("Expect", "100-continue")
	for name, answer := range map[string]string{
		"refused and kept":          "HTTP/1.1 417 No\r\nContent-Length: 2\r\n\r\nno" + readBody,
		"refused without a body":    "HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n" + readBody,
		"behind hints":              "HTTP/1.1 103 Hint\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + readBody + fine,
		"twice":                     strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 2) + readBody + fine,
		"with fields":               "HTTP/1.1 100 Go\r\nContent-Length: 5\r\nX: y\r\n\r\n" + readBody + fine,
		"answered 200":              fine + readBody,
		"answered 200 and a close":  "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello" + finish,
		"asked for, and then a 417": "HTTP/1.1 100 Continue\r\n\r\n" + readBody + "HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n",
	} {
		for what, body := range map[string]func() io.Reader{
			"a body": func() io.Reader { return strings.NewReader("hello") },
			"a body of unknown length": func() io.Reader {
				return struct{ io.Reader }{strings.NewReader("hello")}
			},
		} {
			add(clientCase{name: "100-continue of " + what + ", " + name, method: "POST", body: body,
				change: expects, answers: []string{answer}})
		}
	}

	// What is answered.
	told := func(kind, answer string) {
		add(clientCase{name: fmt.Sprintf("%s %.80q, %d", kind, answer, len(answer)), asks: 1,
			answers: []string{answer + hangUp}})
	}
	for _, line := range []string{"HTTP/1.1 200", "HTTP/1.1 200 ", "HTTP/1.1 200  OK", "HTTP/1.1  200 OK",
		"HTTP/1.1 +20 OK", "HTTP/1.1 -20 OK", "HTTP/1.1 0200 OK", "HTTP/1.1 099 x", "HTTP/1.1 000 x",
		"HTTP/1.1 600 x", "HTTP/1.01 200 OK", "HTTP/1.2 200 OK", "HTTP/3.0 200 OK", "HTTP/0.9 200 OK",
		"http/1.1 200 OK", "ICY 200 OK", " HTTP/1.1 200 OK", "\nHTTP/1.1 200 OK", "HTTP/1.1\t200\tOK",
		"HTTP/1.1 200 O\x00K", "HTTP/1.1 200 ü", "HTTP/1.1 200 " + strings.Repeat("x", 10_000), "HTTP/1.1",
		"", "200 OK", "HTTP/1.1 2e2 OK", "HTTP/1.1 200 OK\r"} {
		told("the status line", line+"\r\nContent-Length: 5\r\n\r\nhello")
	}
	for _, f := range []string{"X : y", "X", ": y", "X y: z", " X: y", "X: a\r\n b", "X: a\r\n\tb",
		"X: a\x00b", "X: a\rb", "X: a\x7fb", "\x80: x", "X\x00: y", "X:", "X: \t y \t", "x-LOWER: 1",
		strings.TrimSuffix(strings.Repeat("X: y\r\n", 5000), "\r\n"), "X: " + strings.Repeat("y", 100_000),
		"(X): 1", "X[]: 1", "Set-Cookie: a=b; Max-Age=x", "Date: x", "Location: /x", "Trailer: X-A",
		"Trailer: Content-Length", "Connection: x", "Connection: Close", "Connection: keep-alive, close",
		"Keep-Alive: timeout=1", "Upgrade: h2c", "Content-Type:", "Content-Encoding: GZip",
		"Content-Encoding: gzip, gzip", "Content-Encoding: deflate", "Content-Encoding: x-gzip",
		"Content-Length: 5", "Content-Length: 05", "Content-Length : 5", "Content-Length: 5\r\n "} {
		told("the field", "HTTP/1.1 200 OK\r\n"+f+"\r\nContent-Length: 5\r\n\r\nhello")
	}
	for _, f := range []string{"5, 5", "+5", "-0", "0x5", "5.0", "five", "", "99999999999999999999",
		"5\r\nContent-Length: 6", "5\r\nContent-Length: 05", "3", "9", "5;x", "5 5", "\x0b5",
		"5\r\nTransfer-Encoding: identity", "5\r\nTransfer-Encoding:"} {
		told("the length", "HTTP/1.1 200 OK\r\nContent-Length: "+f+"\r\n\r\nhello")
		told("the length with HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: "+f+"\r\n\r\nhello")
	}
	for _, f := range []string{"Chunked", "CHUNKED", "\tchunked", "chunked ", "xchunked", "\x0bchunked",
		"chunked\x00", "identity, chunked", "chunked, chunked", "chunked, identity", "gzip", "",
		"chunked\r\nTransfer-Encoding: chunked", "chunked\r\nTransfer-Encoding: identity", "\"chunked\"",
		"chunked;q=1", ", chunked", "\r\n chunked", "chunked\r\nContent-Length: 5"} {
		told("the coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: "+f+"\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
		told("the coding with HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: "+f+
			"\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
	}
	for _, b := range []string{"0\r\n\r\n", "5 \r\nhello\r\n0\r\n\r\n", " 5\r\nhello\r\n0\r\n\r\n",
		"0x5\r\nhello\r\n0\r\n\r\n", "+5\r\nhello\r\n0\r\n\r\n", "\r\nhello\r\n0\r\n\r\n", "5\nhello\n0\n\n",
		"5\r\nhello\n0\r\n\r\n", "5\r\nhello0\r\n\r\n", "5\rhello\r\n0\r\n\r\n", "0005\r\nhello\r\n000\r\n\r\n",
		"FFFFFFFFFFFFFFFFF\r\nhello", "7FFFFFFFFFFFFFFF\r\nhello", "4\r\nhello\r\n0\r\n\r\n",
		"6\r\nhello\r\n0\r\n\r\n", "5;" + strings.Repeat("x", 5000) + "\r\nhello\r\n0\r\n\r\n",
		strings.Repeat("1;"+strings.Repeat("y", 2000)+"\r\nx\r\n", 40) + "0\r\n\r\n",
		strings.Repeat("1\r\nx\r\n", 3000) + "0\r\n\r\n", "5\r\nhello\r\n0\r\nX-A: 1\r\nX-B: 2\r\n\r\n",
		"5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n", "5\r\nhello\r\n0\r\nno colon\r\n\r\n",
		"5\r\nhello\r\n0\r\nX: a\r\n b\r\n\r\n", "5\r\nhello\r\n0\r\nX: " + strings.Repeat("y", 5000) + "\r\n\r\n",
		"5\r\nhello\r\n0\r\n\n", "5;\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\n", "5\r\nhello\r\n0", "5\r\nhello",
		"5", "zz\r\n", "1F4\r\n" + strings.Repeat("x", 500) + "\r\n0\r\n\r\n"} {
		told("chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"+b)
		told("announced trailers and chunks", "HTTP/1.1 200 OK\r\nTrailer: X-A\r\n"+
			"Transfer-Encoding: chunked\r\n\r\n"+b)
	}
	told("many hints", strings.Repeat("HTTP/1.1 103 Hint\r\nLink: x\r\n\r\n", 100)+fine)
	told("a hint that announces a body", "HTTP/1.1 103 Hint\r\nContent-Length: 5\r\n\r\n"+fine)
	told("a hint in chunks", "HTTP/1.1 103 Hint\r\nTransfer-Encoding: chunked\r\n\r\n"+fine)
	told("a hint that closes", "HTTP/1.1 103 Hint\r\nConnection: close\r\n\r\n"+fine)
	told("only a hint", "HTTP/1.1 103 Hint\r\n\r\n")
	told("a status of 101 without an upgrade", "HTTP/1.1 101 Up\r\nUpgrade: x\r\n\r\nhello")
	for _, s := range []string{"204 No", "304 Not", "205 Reset"} {
		for _, f := range []string{"Content-Length: 5", "Transfer-Encoding: chunked", "Connection: close",
			"Content-Encoding: gzip"} {
			told("a status without a body", "HTTP/1.1 "+s+"\r\n"+f+"\r\n\r\n")
			told("a status without a body, and one", "HTTP/1.1 "+s+"\r\n"+f+"\r\n\r\nhello")
		}
	}
	z := zipped("hello")
	for name, body := range map[string]string{
		"in two": z + zipped(" world"), "with more behind": z + "x", "without its sum": z[:len(z)-4],
		"with a wrong sum": z[:len(z)-8] + "12345678", "of nothing": zipped(""), "empty": "",
		"with half a head": z[:5], "that is none": "hello, world, hello",
	} {
		for _, how := range []string{"", "chunked", "close"} {
			answer := fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body)
			switch {
			case how == "close":
				answer = "\r\n" + body
			case how == "chunked" && body == "":
				answer = "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
			case how == "chunked":
				answer = fmt.Sprintf("Transfer-Encoding: chunked\r\nTrailer: X-A\r\n\r\n%x\r\n%s\r\n"+
					"0\r\nX-A: 1\r\n\r\n", len(body), body)
			}
			answer = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n" + answer
			add(clientCase{name: "gzip " + name + " " + how, asks: 1, answers: []string{answer + hangUp}})
			add(clientCase{name: "gzip " + name + " " + how + ", asked for", asks: 1,
				change: set("Accept-Encoding", "gzip"), answers: []string{answer + hangUp}})
			add(clientCase{name: "gzip " + name + " " + how + ", of a range", asks: 1,
				change: set("Range", "bytes=0-"), answers: []string{answer + hangUp}})
		}
	}
	for name, answer := range map[string]string{
		"HTTP/1.0":                     "HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: Keep-Alive\r\n\r\nhello",
		"HTTP/1.0 in other letters":    "HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: KEEP-ALIVE\r\n\r\nhello",
		"HTTP/1.0 with a list":         "HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: x, keep-alive\r\n\r\nhello",
		"HTTP/1.0 without a length":    "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nhello" + hangUp,
		"HTTP/1.1 with an empty chunk": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"a list with a close":          "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: a\r\nConnection: close\r\n\r\nhello" + hangUp,
		"a status 404":                 "HTTP/1.1 404 No\r\nContent-Length: 5\r\n\r\nhello",
		"a status 408":                 "HTTP/1.1 408 Late\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" + hangUp,
		"a status 204":                 "HTTP/1.1 204 No\r\n\r\n",
		"a status 304":                 "HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n",
	} {
		for _, m := range []string{"GET", "PUT"} {
			add(clientCase{name: m + ", a connection after " + name, method: m, asks: 3,
				answers: []string{answer}})
		}
	}
	return all
}
