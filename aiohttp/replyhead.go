package aiohttp

import (
	"context"
	"io"
	"net/http"
	"net/textproto"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unsafe"
)

// field is a header field that decides how an answer is sent. It is kept apart from the fields that
// are serialised at once.
type field struct {
	has    bool
	first  string
	others []string
	at     int // its place among the serialised fields
}

func fieldOf(values []string, at int) field {
	f := field{has: true, at: at}
	if len(values) > 0 {
		f.first = values[0]
		f.others = slices.Clone(values[1:])
	}
	return f
}

func (f *field) append(out []byte, name string) []byte {
	if !f.has || f.first == "" && f.others == nil {
		return out
	}
	out = appendField(out, name, f.first)
	for _, v := range f.others {
		out = appendField(out, name, v)
	}
	return out
}

// frozen are the fields of an answer whose status is chosen.
type frozen struct {
	length, coding, connection     field
	hasType, hasEncoding, hasDate  bool
	upgrade, connectionSaysUpgrade bool
	trailers                       bool     // some were announced
	announced                      []string // their names
	size                           int      // bytes of the serialised fields
	contentType, newConnection     string   // values that net/http would add
	autoLength                     int64    // -1: none
}

// freeze appends the fields that are sent as they are, and remembers the others.
func (f *frozen) freeze(out []byte, h http.Header, status int) []byte {
	*f = frozen{autoLength: -1}
	if len(h) == 0 {
		return out
	}
	var few [16]string
	names := few[:0]
	for name := range h {
		names = append(names, name)
	}
	if len(names) > 1 {
		slices.Sort(names)
	}
	before := true // the place of Connection
	for _, name := range names {
		values := h[name]
		if before && name >= "Connection" {
			f.connection.at, before = len(out), false
		}
		switch name {
		case "Content-Length":
			f.length = fieldOf(values, len(out))
			continue
		case "Transfer-Encoding":
			f.coding = fieldOf(values, len(out))
			continue
		case "Connection":
			f.connection = fieldOf(values, len(out))
			f.connectionSaysUpgrade = lists(values, "upgrade")
			continue
		case "Content-Type":
			if status == http.StatusNotModified {
				continue
			}
			f.hasType = true
		case "Content-Encoding":
			f.hasEncoding = len(values) > 0 && values[0] != ""
		case "Date":
			f.hasDate = true
		case "Upgrade":
			f.upgrade = len(values) > 0 && values[0] != ""
		case "Trailer":
			for _, list := range values {
				f.trailers = true
				for name := range strings.SplitSeq(list, ",") {
					name = textproto.CanonicalMIMEHeaderKey(textproto.TrimString(name))
					if name != "" && !forbiddenTrailer(name) {
						f.announced = append(f.announced, name)
					}
				}
			}
		}
		if strings.HasPrefix(name, http.TrailerPrefix) {
			f.trailers = true
			continue
		}
		if !token(name) {
			continue
		}
		for _, v := range values {
			out = appendField(out, name, v)
		}
	}
	if before {
		f.connection.at = len(out)
	}
	return out
}

func appendField(out []byte, name, value string) []byte {
	out = append(out, name...)
	out = append(out, ": "...)
	if strings.IndexByte(value, '\n') >= 0 || strings.IndexByte(value, '\r') >= 0 {
		value = fieldValue(value)
	}
	out = append(out, textproto.TrimString(value)...)
	return append(out, "\r\n"...)
}

// appendFields appends fields, sorted, except some.
func appendFields(out []byte, h http.Header, except ...string) []byte {
	names := make([]string, 0, len(h))
	for name := range h {
		if token(name) && !slices.Contains(except, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		for _, v := range h[name] {
			out = appendField(out, name, v)
		}
	}
	return out
}

const okLine = "HTTP/1.1 200 OK\r\n"

func appendStatusLine(out []byte, is11 bool, status int) []byte {
	if is11 && status == http.StatusOK {
		return append(out, okLine...)
	}
	if is11 {
		out = append(out, "HTTP/1.1 "...)
	} else {
		out = append(out, "HTTP/1.0 "...)
	}
	out = append(out, statusLine(status)...)
	return append(out, "\r\n"...)
}

// sniff detects the type of an answer without Content-Type. mu is held.
func (w *reply) sniff(p []byte) {
	f := &w.fields
	if f.hasType || f.hasEncoding || f.coding.first != "" || !hasBody(w.status) {
		return
	}
	data := w.out[f.size:]
	if len(data) < 512 && len(p) > 0 {
		data = append(slices.Clip(slices.Clone(data)), p[:min(len(p), 512)]...)
	}
	if len(data) > 0 {
		f.contentType = http.DetectContentType(data)
	}
}

// settle decides before the head is sent whether the connection is kept. It reads the rest of the
// request, since a client may not read before it has sent everything. These are the rules of
// net/http.
func (w *reply) settle(ctx context.Context, last bool, more int) {
	f := &w.fields
	keeps := w.c.s.keepsAlive()
	written := len(w.out) - f.size + more
	if last && !f.trailers && f.coding.first == "" && hasBody(w.status) && !f.length.has &&
		(!w.isHead || written > 0) {
		f.autoLength = int64(written)
		w.declared = f.autoLength
	}
	if w.wants10KeepAlive && keeps && f.length.first != "" && f.connection.first == "keep-alive" {
		w.closeAfter = false
	}
	if w.wants10KeepAlive && (w.isHead || w.declared >= 0 || !hasBody(w.status)) {
		if !f.connection.has {
			f.newConnection = "keep-alive"
		}
	} else if !w.is11 || w.wantsClose {
		w.closeAfter = true
	}
	if f.connection.first == "close" || !keeps || w.expects && !w.body.told {
		w.closeAfter = true
	}
	b := &w.body
	if w.overLimit() {
		w.closeAfter = true
		if !b.late {
			f.connection = field{has: true, first: "close", at: f.connection.at}
			f.newConnection = ""
		}
	}
	if w.req.ContentLength == 0 || w.closeAfter || w.fullDuplex || b.kind == noBody {
		return
	}
	own := w.req.Body == io.ReadCloser(b) // not one that the handler has replaced it with
	tooBig := false
	switch {
	case b.closed:
		w.closeAfter = w.closeAfter || own && !b.sawEOF
	case b.sawEOF:
		b.closed = true
	case b.turn.Locked(): // a goroutine still reads
		w.closeAfter = true
	case b.kind == bodyOfLength && (b.left > maxSkipped || own && b.left == maxSkipped):
		tooBig = true
	default:
		more, err := b.skip(ctx, maxSkipped+1)
		switch tooBig = more; err {
		case nil:
		case io.EOF:
			b.closed = true
		case http.ErrBodyReadAfterClose: // its trailers were wrong
			w.closeAfter = w.closeAfter || own
		default:
			w.closeAfter = true
		}
	}
	if tooBig {
		w.closeAfter = true
		f.connection, f.newConnection = field{}, "close"
	}
}

// overLimit reports whether http.MaxBytesReader has found the body too long. net/http learns that
// by a method that no other package can have. If the handler has put the reader in the place of the
// body, the reader itself knows. Otherwise the last read decides.
func (w *reply) overLimit() bool {
	b := &w.body
	if w.req.Body == io.ReadCloser(b) {
		return b.limit.exceeded(w.status)
	}
	v := reflect.ValueOf(w.req.Body)
	if v.Kind() != reflect.Pointer || v.Type().String() != "*http.maxBytesReader" {
		return b.limit.exceeded(w.status)
	}
	to, err := v.Elem().FieldByName("w"), v.Elem().FieldByName("err")
	if !to.IsValid() || !err.IsValid() || to.Kind() != reflect.Interface ||
		err.Kind() != reflect.Interface {
		return b.limit.exceeded(w.status)
	}
	return to.Elem().Kind() == reflect.Pointer && to.Elem().UnsafePointer() == unsafe.Pointer(w) &&
		err.Elem().IsValid() && err.Elem().Type() == reflect.TypeFor[*http.MaxBytesError]()
}

// appendHead appends the head, whose fields are serialised in part.
func (w *reply) appendHead(out, fields []byte) []byte {
	f := &w.fields
	hasLength, coding := w.declared >= 0, f.coding.first
	if !hasBody(w.status) {
		f.length, f.coding = field{}, field{}
	}
	if hasLength && coding != "" && coding != "identity" {
		w.logf("http: WriteHeader called with both Transfer-Encoding of %q "+
			"and a Content-Length of %d",
			coding, w.declared)
		f.length, hasLength = field{}, false
	}
	chunked := false
	switch {
	case w.isHead || !hasBody(w.status) || w.status == http.StatusNoContent, hasLength:
		f.coding = field{}
	case !w.is11:
		w.closeAfter = true
		f.coding = field{}
	case coding == "identity":
		w.closeAfter = true
		f.coding = field{}
	default:
		w.chunking, chunked = true, true
		if coding == "chunked" {
			f.coding = field{}
		}
		f.length = field{}
	}
	keeps := w.c.s.keepsAlive()
	switched := w.status == http.StatusSwitchingProtocols && f.upgrade && f.connectionSaysUpgrade
	if w.closeAfter && (!keeps || !hasToken(f.connection.first, "close")) && !switched {
		f.connection = field{}
		if w.is11 {
			f.newConnection = "close"
		}
	}
	w.trailers = f.announced

	out = appendStatusLine(out, w.is11, w.status)
	at := 0
	for _, x := range [...]struct {
		name string
		*field
	}{
		{"Connection", &f.connection},
		{"Content-Length", &f.length},
		{"Transfer-Encoding", &f.coding},
	} {
		if x.has {
			out = append(out, fields[at:x.at]...)
			out, at = x.append(out, x.name), x.at
		}
	}
	out = append(out, fields[at:]...)
	if !f.hasDate {
		out = append(out, "Date: "...)
		out = append(out, w.c.s.date()...)
		out = append(out, "\r\n"...)
	}
	if f.autoLength >= 0 {
		out = append(out, "Content-Length: "...)
		out = strconv.AppendInt(out, f.autoLength, 10)
		out = append(out, "\r\n"...)
	}
	if f.contentType != "" {
		out = appendField(out, "Content-Type", f.contentType)
	}
	if f.newConnection != "" {
		out = appendField(out, "Connection", f.newConnection)
	}
	if chunked {
		out = append(out, "Transfer-Encoding: chunked\r\n"...)
	}
	return append(out, "\r\n"...)
}

// appendEnd appends the last chunk, and the trailers.
func (w *reply) appendEnd(out []byte) []byte {
	out = append(out, "0\r\n"...)
	if all := trailersOf(w.header, w.trailers); all != nil {
		out = appendFields(out, all)
	}
	return append(out, "\r\n"...)
}

// date is the field Date, which changes once a second.
func (s *Server) date() string {
	now := s.loop.Time()
	if second := now.Unix(); second != s.dateSecond || s.dateText == "" {
		s.dateSecond, s.dateText = second, now.UTC().Format(http.TimeFormat)
	}
	return s.dateText
}

// headTimeout and idleTimeout are the limits as net/http derives them; 0: none.
func (s *Server) headTimeout() time.Duration {
	if d := s.http.ReadHeaderTimeout; d != 0 {
		return max(d, 0)
	}
	return max(s.http.ReadTimeout, 0)
}

func (s *Server) idleTimeout() time.Duration {
	if d := s.http.IdleTimeout; d != 0 {
		return max(d, 0)
	}
	return max(s.http.ReadTimeout, 0)
}
