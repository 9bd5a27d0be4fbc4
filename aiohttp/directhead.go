package aiohttp

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// servedRequest returns the request that a server gets when a client sends req.
func servedRequest(req *http.Request) *http.Request {
	served := &http.Request{
		Method: req.Method, RequestURI: req.URL.RequestURI(),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: req.Body, ContentLength: req.ContentLength,
		Host: req.Host, Trailer: req.Trailer, RemoteAddr: "direct",
	}
	if served.Method == "" {
		served.Method = http.MethodGet
	}
	if u, err := url.ParseRequestURI(served.RequestURI); err == nil {
		served.URL = u
	} else {
		served.URL = &url.URL{
			Path:     req.URL.Path,
			RawPath:  req.URL.RawPath,
			RawQuery: req.URL.RawQuery,
		}
	}
	if served.Host == "" {
		served.Host = req.URL.Host
	}
	for name, values := range req.Header {
		name = textproto.CanonicalMIMEHeaderKey(name)
		for _, v := range values {
			served.Header.Add(name, fieldValue(v))
		}
	}
	for _, name := range []string{"Host", "Content-Length", "Transfer-Encoding", "Trailer"} {
		served.Header.Del(name)
	}
	if agent, told := served.Header["User-Agent"]; !told {
		served.Header.Set("User-Agent", "Go-http-client/1.1")
	} else if len(agent) == 0 || agent[0] == "" {
		served.Header.Del("User-Agent")
	}
	if u := req.URL.User; u != nil && served.Header.Get("Authorization") == "" {
		password, _ := u.Password()
		served.SetBasicAuth(u.Username(), password)
	}
	if req.URL.Scheme == "https" {
		served.TLS = &tls.ConnectionState{
			Version: tls.VersionTLS13, HandshakeComplete: true, ServerName: req.URL.Hostname(),
		}
	}
	switch {
	case req.Body == nil || req.Body == http.NoBody:
		served.Body, served.ContentLength = http.NoBody, 0
		switch served.Method {
		case http.MethodPost, http.MethodPut, http.MethodPatch:
			served.Header.Set("Content-Length", "0")
		}
	case req.ContentLength > 0:
		served.Header.Set("Content-Length", strconv.FormatInt(req.ContentLength, 10))
		served.Body = &servedBody{body: readerForTask(req.Body), left: req.ContentLength}
	default:
		served.ContentLength, served.TransferEncoding = -1, []string{"chunked"}
		served.Body = &servedBody{body: readerForTask(req.Body), left: -1}
	}
	return served
}

func readerForTask(body io.Reader) io.Reader {
	if u, ok := body.(*upload); ok {
		return taskUpload{u}
	}
	return body
}

// servedBody is the body of a request as a server reads it.
type servedBody struct {
	body   io.Reader
	left   int64 // of its declared length; -1: none was declared
	closed atomic.Bool
}

func (b *servedBody) Read(p []byte) (int, error) {
	switch {
	case b.closed.Load():
		return 0, http.ErrBodyReadAfterClose
	case b.left < 0:
		return b.body.Read(p)
	case b.left == 0:
		return 0, io.EOF
	}
	n, err := b.body.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	if err == io.EOF && b.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// Close ends reading. The client's body is closed when the handler has returned.
func (b *servedBody) Close() error { b.closed.Store(true); return nil }

// finalHeader makes header, of an answer with this status, the one that net/http would send and its
// client would show. first is the beginning of the body, or all of it if last is true. length is
// the length of the body as a client sees it.
func finalHeader(
	now time.Time, method string, status int, header http.Header,
	declared int64, first []byte, last bool,
) (length int64, trailers []string) {
	for name := range header {
		if strings.HasPrefix(name, http.TrailerPrefix) {
			delete(header, name)
			trailers = []string{}
		}
	}
	for _, names := range header["Trailer"] {
		for name := range strings.SplitSeq(names, ",") {
			name = textproto.CanonicalMIMEHeaderKey(textproto.TrimString(name))
			if name != "" && !forbiddenTrailer(name) {
				trailers = append(trailers, name)
			}
		}
	}
	head, coded := method == http.MethodHead, header.Get("Transfer-Encoding") != ""
	if last && trailers == nil && !coded && hasBody(status) &&
		header.Get("Content-Length") == "" && (!head || len(first) > 0) {
		declared = int64(len(first))
		header.Set("Content-Length", strconv.FormatInt(declared, 10))
	}
	if hasBody(status) {
		_, told := header["Content-Type"]
		if !told && header.Get("Content-Encoding") == "" && !coded && len(first) > 0 {
			header.Set("Content-Type", http.DetectContentType(first))
		}
	} else {
		header.Del("Content-Length")
		declared = -1
		if status == http.StatusNotModified {
			header.Del("Content-Type")
		}
	}
	if _, told := header["Date"]; !told {
		header.Set("Date", now.UTC().Format(http.TimeFormat))
	}
	if coded && declared >= 0 && header.Get("Transfer-Encoding") != "identity" {
		declared = -1
		header.Del("Content-Length")
	}
	header.Del("Transfer-Encoding")
	chunked := hasBody(status) && !head && declared < 0
	if chunked {
		header.Del("Trailer")
	}
	for name, values := range header {
		if !token(name) {
			delete(header, name)
			continue
		}
		for i, v := range values {
			values[i] = fieldValue(v)
		}
	}
	switch {
	case !hasBody(status) && !head:
		return 0, nil
	case declared < 0:
		header.Del("Content-Length")
		return -1, trailers
	default:
		return declared, nil
	}
}

// forbiddenTrailer reports whether a field must not come after the body: by the rules of net/http.
func forbiddenTrailer(name string) bool {
	return strings.HasPrefix(name, "If-") || slices.Contains([]string{
		"Authorization", "Cache-Control", "Connection", "Content-Encoding", "Content-Length",
		"Content-Range", "Content-Type", "Expect", "Host", "Keep-Alive", "Max-Forwards", "Pragma",
		"Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Range", "Realm", "Te",
		"Trailer", "Transfer-Encoding", "Www-Authenticate",
	}, name)
}

// token reports whether name may be that of a header field.
func token(name string) bool {
	const others = "!#$%&'*+-.^_`|~"
	for i := range len(name) {
		c := name[i]
		letter, digit := 'a' <= c|0x20 && c|0x20 <= 'z', '0' <= c && c <= '9'
		if !letter && !digit && strings.IndexByte(others, c) < 0 {
			return false
		}
	}
	return name != ""
}

// fieldValue is a value as it is sent: on one line, without blanks around it.
func fieldValue(v string) string {
	return textproto.TrimString(strings.NewReplacer("\n", " ", "\r", " ").Replace(v))
}

// trailersOf are the fields that come after the body.
func trailersOf(header http.Header, declared []string) http.Header {
	var all http.Header
	set := func(name string, values []string) {
		if all == nil {
			all = http.Header{}
		}
		all[name] = values
	}
	for _, name := range declared {
		if values := header[name]; len(values) > 0 {
			set(name, values)
		}
	}
	for name, values := range header {
		if name, ok := strings.CutPrefix(name, http.TrailerPrefix); ok {
			set(textproto.CanonicalMIMEHeaderKey(name), values)
		}
	}
	return all
}
