package main

import (
	"context"
	"fmt"
	"net/http"
)

// redirect is a place that a site has sent us to.
type redirect struct {
	Status int    `json:"status"`
	URL    string `json:"url"`
}

// redirectsError is the error of a site that sends us from place to place.
type redirectsError struct{ most int }

func (e *redirectsError) Error() string { return fmt.Sprintf("more than %d redirects", e.most) }

// badRedirectError is the error of a site that sends us to a place that is none.
type badRedirectError struct {
	to  string
	err error
}

func (e *badRedirectError) Error() string { return fmt.Sprintf("redirect to %q: %v", e.to, e.err) }
func (e *badRedirectError) Unwrap() error { return e.err }

// follow asks a site and goes where it sends us. The places are added to those of the row.
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
		s.release(ctx, a)
		if len(r.redirects) == s.redirects {
			return nil, &redirectsError{s.redirects}
		}
		if at, err = at.resolve(to); err != nil {
			return nil, &badRedirectError{to, err}
		}
		r.redirects = append(r.redirects, redirect{a.code, at.String()})
		// After these statuses one is to look, not to do it again.
		if a.code == http.StatusSeeOther || (a.code <= http.StatusFound && method == http.MethodPost) {
			if method != http.MethodHead {
				method = http.MethodGet
			}
		}
	}
}
