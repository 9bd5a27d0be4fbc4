package aiohttp

import (
	"maps"
	"net/http"
	"slices"
)

// meaningful are the fields that this package or net/http looks at or writes itself. Both know them
// by this spelling only: another one would go out beside theirs.
var meaningful = map[string]bool{
	"Accept-Encoding": true, "Authorization": true, "Connection": true, "Content-Encoding": true,
	"Content-Language": true, "Content-Length": true, "Content-Location": true, "Content-Type": true,
	"Cookie": true, "Cookie2": true, "Date": true, "Expect": true, "Host": true, "Idempotency-Key": true,
	"Keep-Alive": true, "Proxy-Authenticate": true, "Proxy-Authorization": true, "Proxy-Connection": true,
	"Range": true, "Referer": true, "Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
	"User-Agent": true, "Www-Authenticate": true, "X-Idempotency-Key": true,
}

// secret are the fields that go to the first host and those below it only; ofBody those that go
// with a body only.
var (
	secret = map[string]bool{
		"Authorization": true, "Cookie": true, "Cookie2": true, "Proxy-Authorization": true,
		"Www-Authenticate": true, "Proxy-Authenticate": true,
	}
	ofBody = map[string]bool{
		"Content-Encoding": true, "Content-Language": true, "Content-Length": true, "Content-Location": true,
		"Content-Type": true,
	}
)

// headerOf returns a header of its own for a request: the request's fields, and those of the client
// that the request does not have in any spelling. Meaningful names are spelled as net/http does;
// others keep their spelling, which some servers depend on.
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

// addAll adds the fields of from to h, without those that are in not. A field without values keeps
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

// spelled returns the name that a field goes by.
func spelled(name string) string {
	if canonical := http.CanonicalHeaderKey(name); meaningful[canonical] {
		return canonical
	}
	return name
}

// joined returns the values of all names that are the field to, in an order that is the same in each run.
func joined(from http.Header, to string) (values []string) {
	for _, name := range slices.Sorted(maps.Keys(from)) {
		if spelled(name) == to {
			values = append(values, from[name]...)
		}
	}
	return values
}
