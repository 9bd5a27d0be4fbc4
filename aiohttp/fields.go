package aiohttp

import (
	"net/http"
	"net/textproto"
	"slices"
	"strings"
)

// forbiddenTrailer reports whether a field must not come after the body: the rules of net/http.
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
	for name, values := range header {
		if name, ok := strings.CutPrefix(name, http.TrailerPrefix); ok {
			set(name, values)
		}
	}
	for _, name := range declared {
		if values := header[name]; len(values) > 0 {
			set(name, append(slices.Clip(all[name]), values...))
		}
	}
	return all
}
