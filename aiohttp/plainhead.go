package aiohttp

import (
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
)

// Most heads have a simple form, which this file parses: HTTP/1.1, a path without escapes, fields
// of printable ASCII, one Host, and no field that changes how the request is framed or answered.
// Any other head is net/http's to parse, or to refuse. A fuzz test compares the two.

const (
	maxPlain  = 2 << 10 // bytes of a head; a value that a handler keeps keeps the head
	fewFields = 6
)

// What a byte may be part of.
const (
	inPath = 1 << iota
	inQuery
	inName
	inValue
	inHost
	inMethod
)

var plainBytes = func() (table [256]uint8) {
	for c := byte(' '); c <= '~'; c++ {
		letter, digit := 'a' <= c|0x20 && c|0x20 <= 'z', '0' <= c && c <= '9'
		has := func(others string, class uint8) {
			if letter || digit || strings.IndexByte(others, c) >= 0 {
				table[c] |= class
			}
		}
		has("$&+,-./:;=@_~", inPath)
		has("-", inName)
		has("-.:[]", inHost)
		table[c] |= inValue
		if c != ' ' {
			table[c] |= inQuery
		}
		if 'A' <= c && c <= 'Z' {
			table[c] |= inMethod
		}
	}
	return table
}()

// span returns how many bytes at the start of s are in the class.
func span(s string, class uint8) int {
	for i := range len(s) {
		if plainBytes[s[i]]&class == 0 {
			return i
		}
	}
	return len(s)
}

// plainParts is what a request points to.
type plainParts struct {
	url    url.URL
	values [fewFields]string
}

// parsePlain parses a plain head into r, whose other fields are zero. It returns the name of the
// request's task too. If ok is false the head is not plain, and r is of no use.
func parsePlain(r *http.Request, head []byte) (name string, ok bool) {
	if len(head) > maxPlain {
		return "", false
	}
	text := string(head)
	line, rest, _ := strings.Cut(text, "\n")
	n := span(line, inMethod)
	target, isPlain := strings.CutSuffix(line[n:], " HTTP/1.1\r")
	if n == 0 || !isPlain || !strings.HasPrefix(target, " /") {
		return "", false
	}
	r.Method, target = line[:n], target[1:]
	n = span(target, inPath)
	path, query, asks := target[:n], target[n:], n < len(target)
	if asks {
		if query = query[1:]; target[n] != '?' || query == "" || span(query, inQuery) < len(query) {
			return "", false
		}
	}
	if r.Method == http.MethodConnect {
		return "", false
	}
	parts := &plainParts{url: url.URL{Path: path, RawQuery: query}}
	r.URL, r.RequestURI = &parts.url, target
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.1", 1, 1
	r.Body = http.NoBody
	return text[:len(r.Method)+1+len(path)], plainFields(r, parts, rest)
}

// plainFields parses the lines of the fields, with the empty one at the end.
func plainFields(r *http.Request, parts *plainParts, lines string) bool {
	fields := strings.Count(lines, "\n") - 1
	values := parts.values[:]
	if fields > fewFields {
		values = make([]string, fields)
	}
	r.Header = make(http.Header, fields)
	for {
		line, rest, whole := strings.Cut(lines, "\r\n")
		if !whole {
			return false
		}
		if lines = rest; line == "" {
			return rest == "" && r.Host != ""
		}
		n := span(line, inName)
		if n == 0 || n == len(line) || line[n] != ':' {
			return false
		}
		name, value := textproto.CanonicalMIMEHeaderKey(line[:n]), strings.Trim(line[n+1:], " ")
		if span(value, inValue) < len(value) {
			return false
		}
		switch name {
		case "Host":
			if r.Host != "" || value == "" || span(value, inHost) < len(value) {
				return false
			}
			r.Host = value
			continue
		case "Connection":
			if !strings.EqualFold(value, "keep-alive") {
				return false
			}
		case "Content-Length":
			size, err := strconv.ParseUint(value, 10, 63)
			if err != nil || r.Header[name] != nil {
				return false
			}
			r.ContentLength = int64(size)
		case "Transfer-Encoding", "Trailer", "Pragma", "Expect", "Upgrade":
			return false
		}
		if before := r.Header[name]; before != nil {
			r.Header[name] = append(before, value)
		} else {
			values[0] = value
			r.Header[name], values = values[:1:1], values[1:]
		}
	}
}
