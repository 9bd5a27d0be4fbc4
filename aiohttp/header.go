package aiohttp

import (
	"maps"
	"net/http"
	"slices"
)

// meaningful are the fields that this package or net/http reads or writes itself. Both know them in
// this spelling only: another one would be sent beside theirs.
var meaningful = fields(
	"Accept-Encoding", "Authorization", "Connection", "Content-Encoding", "Content-Language",
	"Content-Length", "Content-Location", "Content-Type", "Cookie", "Cookie2", "Date", "Expect",
	"Host", "Idempotency-Key", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization",
	"Proxy-Connection", "Range", "Referer", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
	"User-Agent", "Www-Authenticate", "X-Idempotency-Key",
)

// secret fields go to the first host and those below it only. ofBody fields go with a body only.
var (
	secret = fields(
		"Authorization", "Cookie", "Cookie2", "Proxy-Authorization", "Www-Authenticate",
		"Proxy-Authenticate",
	)
	ofBody = fields(
		"Content-Encoding", "Content-Language", "Content-Length", "Content-Location",
		"Content-Type",
	)
)

// fields makes a set of names.
func fields(names ...string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		set[name] = true
	}
	return set
}

// headerOf returns a new header for a request: the request's fields, and those of the client that
// the request does not have in any spelling. Meaningful names are spelled as in net/http. Other
// names keep their spelling, as some servers depend on it.
func headerOf(own, defaults http.Header) http.Header {
	h := make(http.Header, len(own)+len(defaults))
	addAll(h, own, nil)
	if len(defaults) > 0 {
		has := make(map[string]bool, len(own))
		for name := range own {
			has[http.CanonicalHeaderKey(name)] = true
		}
		addAll(h, defaults, has)
	}
	return h
}

// addAll adds the fields of from to h, except the names in not. A field without values keeps
// net/http from sending its own, so it stays.
func addAll(h, from http.Header, not map[string]bool) {
	for name, values := range from {
		if not != nil && not[http.CanonicalHeaderKey(name)] {
			continue
		}
		to := spelled(name)
		if _, there := h[to]; there { // several names are the same field
			values = joined(from, to)
		}
		h[to] = values
	}
}

// spelled returns the spelling of a field's name that is sent.
func spelled(name string) string {
	if canonical := http.CanonicalHeaderKey(name); meaningful[canonical] {
		return canonical
	}
	return name
}

// joined returns the values of all spellings of the field to, in the same order in each run.
func joined(from http.Header, to string) (values []string) {
	for _, name := range slices.Sorted(maps.Keys(from)) {
		if spelled(name) == to {
			values = append(values, from[name]...)
		}
	}
	return values
}
