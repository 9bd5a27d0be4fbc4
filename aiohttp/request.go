package aiohttp

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"

	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/internal/safetext"
)

var (
	errHeadTooLarge = errors.New("aiohttp: the head of the request is too large")
	// errMore says that an incomplete head is correct so far.
	errMore = errors.New("aiohttp: the head of the request is not complete")
)

// badRequest is an error that the client gets.
type badRequest struct {
	status int
	text   string
}

func (e *badRequest) Error() string { return e.text }

// headEnd looks for the end of a head, as net/http does: an empty line, with either line end. end
// is -1 if it is not there; next is where to continue the search.
func headEnd(b []byte, from int) (end, next int) {
	if from == 0 {
		switch {
		case b[0] == '\n':
			return 1, 0
		case b[0] == '\r' && len(b) == 1:
			return -1, 0
		case b[0] == '\r' && b[1] == '\n':
			return 2, 0
		}
	}
	for {
		i := bytes.IndexByte(b[from:], '\n')
		if i < 0 {
			return -1, len(b)
		}
		i += from
		switch rest := b[i+1:]; {
		case len(rest) == 0 || len(rest) == 1 && rest[0] == '\r':
			return -1, i
		case rest[0] == '\n':
			return i + 2, 0
		case rest[0] == '\r' && rest[1] == '\n':
			return i + 3, 0
		}
		from = i + 1
	}
}

// wholeLines returns the complete lines of a head.
func wholeLines(b []byte) []byte { return b[:bytes.LastIndexByte(b, '\n')+1] }

// headSource gives a reader the bytes of a head, and then err.
type headSource struct {
	head []byte
	err  error
}

func (s *headSource) Read(p []byte) (int, error) {
	if len(s.head) == 0 {
		return 0, s.err
	}
	n := copy(p, s.head)
	s.head = s.head[n:]
	return n, nil
}

// headReader parses a loop's heads, one at a time.
type headReader struct {
	src headSource
	br  *bufio.Reader
}

// readHead lets net/http parse a head. after is the error behind the head.
func (s *Server) readHead(head []byte, after error) (*http.Request, error) {
	r := &s.heads
	r.src = headSource{head, after}
	if r.br == nil {
		r.br = bufio.NewReaderSize(&r.src, firstBuffer)
	} else {
		r.br.Reset(&r.src)
	}
	req, err := http.ReadRequest(r.br)
	r.src = headSource{}
	if err != nil {
		return nil, err
	}
	return req, nil
}

// readAny lets net/http parse a head of any form, and makes the checks of its server.
func (s *Server) readAny(head []byte) (req *http.Request, upgrade bool, err error) {
	req, err = s.readHead(head, io.ErrUnexpectedEOF)
	if err != nil {
		return nil, false, err
	}
	preface := req.ProtoMajor == 2 && req.ProtoMinor == 0 && req.Method == "PRI" &&
		req.RequestURI == "*"
	if req.ProtoMajor != 1 && !preface {
		return nil, false,
			&badRequest{http.StatusHTTPVersionNotSupported, "unsupported protocol version"}
	}
	host, hasHost := hostField(head)
	upgrade = preface && !hasHost && len(req.Header) == 0
	return req, upgrade, checkFields(req, host, hasHost, upgrade)
}

// readRequest makes the request of a head, its reply, and the name of its task. A plain request is
// in s.arrived, until its task makes a copy.
func (s *Server) readRequest(c *serverConn, head []byte) (w *reply, name string, err error) {
	s.arrived = http.Request{}
	req, upgrade := &s.arrived, false
	name, isPlain := parsePlain(req, head)
	if !isPlain {
		if req, upgrade, err = s.readAny(head); err != nil {
			return nil, "", err
		}
		name = taskName(req)
	}
	req.RemoteAddr = c.remote
	w = &reply{c: c}
	w.loop, w.req = s.loop, req
	w.header, w.declared = make(http.Header, 4), -1
	connection := req.Header["Connection"]
	if len(connection) > 0 {
		w.wants10KeepAlive = req.ProtoMajor == 1 && req.ProtoMinor == 0 &&
			hasToken(connection[0], "keep-alive")
		w.wantsClose = hasToken(connection[0], "close")
	}
	w.wantsClose = w.wantsClose || req.Close
	w.closeAfter = upgrade
	w.isHead = req.Method == http.MethodHead
	w.is11 = req.ProtoAtLeast(1, 1)
	w.body.w = w
	switch {
	case req.ContentLength > 0:
		w.body.kind, w.body.left = bodyOfLength, req.ContentLength
	case req.ContentLength < 0:
		if err := w.body.readChunks(req, head); err != nil {
			return nil, "", err
		}
	}
	if expect := req.Header["Expect"]; len(expect) > 0 {
		switch {
		case hasToken(expect[0], "100-continue"):
			w.expects = w.is11 && req.ContentLength != 0
			w.mayContinue.Store(w.expects)
		case expect[0] != "":
			w.failsExpectation = true
		}
	}
	return w, name, nil
}

// checkFields makes the checks that net/http's server makes after ReadRequest.
func checkFields(req *http.Request, host string, has, upgrade bool) error {
	switch {
	case !has && req.ProtoAtLeast(1, 1) && !upgrade && req.Method != http.MethodConnect:
		return &badRequest{http.StatusBadRequest, "missing required Host header"}
	case has && !validHost(host):
		return &badRequest{http.StatusBadRequest, "malformed Host header"}
	}
	for name, values := range req.Header {
		if !token(name) {
			return &badRequest{http.StatusBadRequest, "invalid header name"}
		}
		for _, v := range values {
			if !validValue(v) {
				return &badRequest{http.StatusBadRequest, "invalid header value"}
			}
		}
	}
	return nil
}

// hostField finds the field Host of a head that ReadRequest accepted. There is one at most, and
// ReadRequest does not show it.
func hostField(head []byte) (value string, has bool) {
	lines := head[bytes.IndexByte(head, '\n')+1:]
	for len(lines) > 0 {
		line := lines
		if i := bytes.IndexByte(lines, '\n'); i >= 0 {
			line, lines = lines[:i], lines[i+1:]
		} else {
			lines = nil
		}
		folded := len(line) > 0 && (line[0] == ' ' || line[0] == '\t')
		line = bytes.Trim(bytes.TrimSuffix(line, []byte{'\r'}), " \t") // as package textproto does
		switch {
		case has && folded:
			value += " " + string(line)
		case has:
			return strings.TrimLeft(value, " \t"), true
		case !folded && len(line) >= 5 && (line[0]|0x20) == 'h' &&
			strings.EqualFold(string(line[:5]), "host:"):
			has, value = true, string(line[5:])
		}
	}
	return strings.TrimLeft(value, " \t"), has
}

// validHost reports whether a field Host has only valid bytes, by the rule of net/http.
func validHost(host string) bool {
	for i := range len(host) {
		c := host[i]
		letter, digit := 'a' <= c|0x20 && c|0x20 <= 'z', '0' <= c && c <= '9'
		if !letter && !digit && strings.IndexByte("!$%&()*+,-.:;=[]'_~", c) < 0 {
			return false
		}
	}
	return true
}

// validValue reports whether a value has no control characters, by the rule of net/http.
func validValue(v string) bool {
	for i := range len(v) {
		if c := v[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// hasToken reports whether a list in a field has a token, in letters of any case.
func hasToken(list, token string) bool {
	for i := 0; i < len(list); {
		if c := list[i]; c == ' ' || c == ',' || c == '\t' {
			i++
			continue
		}
		end := i
		for end < len(list) && list[end] != ' ' && list[end] != ',' && list[end] != '\t' {
			end++
		}
		if strings.EqualFold(list[i:end], token) {
			return true
		}
		i = end
	}
	return false
}

// lists reports whether one of the lists in a field has a token, as net/http looks for "upgrade":
// only commas separate.
func lists(values []string, token string) bool {
	for _, list := range values {
		for item := range strings.SplitSeq(list, ",") {
			if item = strings.Trim(item, " \t"); !hasWide(item) && strings.EqualFold(item, token) {
				return true
			}
		}
	}
	return false
}

// refusal is the answer to an invalid head, as in net/http; empty: none.
func refusal(err error) string {
	const fields = "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
	bad, ok := errtree.As[*badRequest](err)
	switch {
	case err == nil, err == io.EOF, errtree.Is(err, os.ErrDeadlineExceeded):
		return ""
	case err == errHeadTooLarge:
		const text = "431 Request Header Fields Too Large"
		return "HTTP/1.1 " + text + fields + text
	case strings.HasPrefix(err.Error(), "unsupported transfer encoding"),
		strings.HasPrefix(err.Error(), "too many transfer encodings"):
		return "HTTP/1.1 501 Not Implemented" + fields + "Unsupported transfer encoding"
	case ok:
		text := fmt.Sprintf("%d %s: %s", bad.status, http.StatusText(bad.status), bad.text)
		return "HTTP/1.1 " + text + fields + text
	default:
		const text = "400 Bad Request"
		return "HTTP/1.1 " + text + fields + text
	}
}

// taskName is the name of the task of a request.
func taskName(r *http.Request) string { return safetext.Line(r.Method + " " + r.URL.Path) }

var chunkReaders = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, firstBuffer) }}
