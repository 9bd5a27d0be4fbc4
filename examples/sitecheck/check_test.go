package main

import (
	"errors"
	"io"
	"testing"
)

func TestAStatusLineIsTakenApart(t *testing.T) {
	for line, want := range map[string]status{
		"HTTP/1.1 200 OK\r\n":                {200, "OK"},
		"HTTP/1.0 404 File not found\n":      {404, "File not found"},
		"HTTP/1.1 301 Moved Permanently\r\n": {301, "Moved Permanently"},
		"HTTP/1.1 204\r\n":                   {204, ""},
		"HTTP/2 200 \r\n":                    {200, ""},
	} {
		if got, err := parseStatus([]byte(line)); got != want || err != nil {
			t.Errorf("parseStatus(%q) = %v, %v, want %v", line, got, err, want)
		}
	}
}

func TestALineThatIsNoStatusIsRefused(t *testing.T) {
	for _, line := range []string{"\r\n", "hello\r\n", "hel", "HTTP/1.1\r\n", "HTTP/1.1 OK\r\n",
		"HTTP/1.1 20 OK\r\n", "HTTP/1.1 -200 OK\r\n", "\x15\x03\x01\x00\x02\x02F"} {
		var garbage *notHTTPError
		if got, err := parseStatus([]byte(line)); !errors.As(err, &garbage) {
			t.Errorf("parseStatus(%q) = %v, %v, want a *notHTTPError", line, got, err)
		}
	}
	for _, line := range []string{"HTTP/1.1", "HTTP/1.1 20", "HTTP/1.1 200 OK\r"} {
		if got, err := parseStatus([]byte(line)); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("parseStatus(%q) = %v, %v, want io.ErrUnexpectedEOF", line, got, err)
		}
	}
}

func TestTheAddressOfASiteHasAPort(t *testing.T) {
	for url, want := range map[string]string{
		"http://example.test":             "example.test:80",
		"google.test":                     "google.test:80",
		"google.test/a?b=https://c":       "google.test:80",
		"localhost:8080":                  "localhost:8080",
		"localhost:8080/x:y":              "localhost:8080",
		"[::1]:81":                        "[::1]:81",
		"//example.test/x":                "example.test:80",
		"https://example.test/a?b#c":      "example.test:443",
		"http://example.test:8080/":       "example.test:8080",
		"HTTPS://[::1]/":                  "[::1]:443",
		"http://user:pass@127.0.0.1:81/x": "127.0.0.1:81",
	} {
		site, err := parseSite(url)
		if err != nil {
			t.Errorf("parseSite(%q): %v", url, err)
		} else if got := site.address; got != want {
			t.Errorf("the address of %s is %s, want %s", url, got, want)
		}
	}
}

func TestABadURLIsRefusedWithAReason(t *testing.T) {
	for url, want := range map[string]string{
		"":                      "bad URL: it names no host",
		"mailto:me":             `bad URL: invalid port ":me" after host`,
		"ftp://example.test":    `bad URL: the scheme is "ftp", not http or https`,
		"http://":               "bad URL: it names no host",
		"https://:443/":         "bad URL: it names no host",
		"http://x:0/":           "bad URL: there is no port 0",
		"http://x:65536/":       "bad URL: there is no port 65536",
		"http://x:eighty/":      `bad URL: invalid port ":eighty" after host`,
		"http://a b/":           `bad URL: invalid character " " in host name`,
		"http://x/\r\nEvil: 1":  "bad URL: net/url: invalid control character in URL",
		"https://[::1":          "bad URL: missing ']' in host",
		"://example.test":       "bad URL: missing protocol scheme",
		"http://x/%zz":          `bad URL: invalid URL escape "%zz"`,
		"http:/example.test://": "bad URL: it names no host",
	} {
		_, err := parseSite(url)
		if err == nil || err.Error() != want {
			t.Errorf("parseSite(%q): %v, want %s", url, err, want)
		}
	}
}
