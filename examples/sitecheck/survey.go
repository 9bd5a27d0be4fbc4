package main

import (
	"context"
	"crypto/tls"
	"errors"
	"time"

	"github.com/aio-go/aio"
)

// row is what is known about one site.
type row struct {
	url    string
	tries  int           // 0: not checked yet
	took   time.Duration // the last try
	status status        // what the site answered, or
	err    error         // why it did not
}

func newRows(urls []string) []*row {
	rows := make([]*row, len(urls))
	for i, url := range urls {
		rows[i] = &row{url: url}
	}
	return rows
}

// survey fills in the rows of sites. It is told how to behave by the flags.
type survey struct {
	limit   int           // how many sites are checked at the same time
	timeout time.Duration // for one try
	retries int
	secure  *tls.Config
}

// oneAfterTheOther checks the sites in turn.
//
// When ctx is cancelled it returns that error; the rows of the sites it got to are filled in.
func (s *survey) oneAfterTheOther(ctx context.Context, rows []*row) error {
	for _, r := range rows {
		if err := s.visit(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// allAtOnce checks the sites at the same time, up to the limit. Cancelled, it behaves as
// oneAfterTheOther does.
func (s *survey) allAtOnce(ctx context.Context, rows []*row) error {
	_, err := aio.Map(ctx, rows, func(ctx context.Context, r *row) (aio.None, error) {
		return aio.None{}, s.visit(ctx, r)
	}, aio.Limit(s.limit))
	return err
}

// visit checks one site, more than once if need be. What is wrong with the site stands in its row; the
// error is only that of a cancelled survey.
func (s *survey) visit(ctx context.Context, r *row) error {
	for {
		if err := s.try(ctx, r); err != nil {
			return err
		}
		if r.err == nil || r.tries > s.retries || !worthAnotherTry(r.err) {
			return nil
		}
		if err := aio.Sleep(ctx, pauseAfter(r.tries)); err != nil {
			return err
		}
	}
}

// try checks a site once and fills in its row.
func (s *survey) try(ctx context.Context, r *row) error {
	clock := aio.RunningLoop(ctx)
	start := clock.Time()
	answer, err := aio.WaitFor(ctx, s.timeout, func(ctx context.Context) (status, error) {
		site, err := parseSite(r.url)
		if err != nil {
			return status{}, err
		}
		return getStatus(ctx, site, s.secure)
	})
	if errors.Is(err, aio.ErrCancelled) {
		return err
	}
	r.tries++
	r.took, r.status, r.err = clock.Time().Sub(start), answer, err
	return nil
}

// pauseAfter returns how long to wait after so many tries that failed: 0.1 s, then twice as long each
// time, at most 2 s.
func pauseAfter(tries int) time.Duration {
	return min(100*time.Millisecond<<min(tries-1, 10), 2*time.Second)
}
