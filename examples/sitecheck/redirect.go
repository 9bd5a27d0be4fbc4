package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/places"
	"github.com/aio-go/aio/internal/safetext"
	"github.com/aio-go/aio/transport"
)

// redirect is a place that a site has sent us to.
type redirect struct {
	Status int    `json:"status"`
	URL    string `json:"url"`
}

// redirectsError is the error of a site that sends us from place to place.
type redirectsError struct{ most int }

func (e *redirectsError) Error() string {
	return fmt.Sprintf("more than %s", cli.Count(e.most, "redirect"))
}

// badRedirectError is the error of a site that sends us to a place that is none.
type badRedirectError struct {
	to  string
	err error
}

func (e *badRedirectError) Error() string {
	return fmt.Sprintf("redirect to %q: %v", cli.Short(safetext.URL(e.to), 200), e.err)
}
func (e *badRedirectError) Unwrap() error { return e.err }

// follow asks a site and goes where it sends us. The places are added to those of the row.
//
// With -public a site on the Internet cannot send us to a host that only this machine, or its
// neighbours, can reach.
func (s *survey) follow(ctx context.Context, r *row, at place) (*answer, error) {
	method := s.method
	if method == "" {
		method = http.MethodGet
	}
	for {
		a, err := s.getStatus(ctx, method, at)
		if err != nil || s.redirects == 0 {
			return a, err
		}
		to, err := a.location(ctx)
		if err != nil {
			a.conn.w.Abort()
			return nil, err
		}
		if to == "" {
			return a, nil
		}
		if s.public && at.network == "tcp" && !places.IsPrivate(a.conn.w.RemoteAddr()) {
			ctx = transport.WithNetwork(ctx, places.PublicOnly(transport.NetworkFrom(ctx)))
		}
		s.release(ctx, a)
		if len(r.redirects) == s.redirects {
			return nil, &redirectsError{s.redirects}
		}
		if at, err = at.resolve(to); err != nil {
			return nil, &badRedirectError{to, err}
		}
		r.redirects = append(r.redirects, redirect{a.code, at.String()})
		method = methodAfter(a.code, method)
	}
}

// methodAfter is the method with which a redirect is followed. After these statuses the new page is
// only read; the request is not repeated there. Package net/http does the same.
func methodAfter(code int, method string) string {
	switch code {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther:
		if method != http.MethodHead {
			return http.MethodGet
		}
	}
	return method
}
