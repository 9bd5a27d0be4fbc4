package main

import (
	"context"
	"crypto/tls"
	"errors"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// row is the result for one site.
type row struct {
	url       string
	tries     int           // 0: not checked yet
	took      time.Duration // the last try
	redirects []redirect    // the places the site has sent us to
	status    status        // what the last one answered, or
	err       error         // why it did not
}

func newRows(urls []string) []*row {
	rows := make([]*row, len(urls))
	for i, url := range urls {
		rows[i] = &row{url: url}
	}
	return rows
}

// survey fills in the rows of sites. The flags set its limits.
type survey struct {
	limit     int           // how many sites are checked at the same time
	perHost   int           // how many of one host; 0: as many
	timeout   time.Duration // for one try
	retries   int
	method    string // "": GET
	redirects int    // how many are followed
	secure    *tls.Config
	public    bool // no redirect from a public address leads to a private one

	conns connections
	hosts map[string]*aiosync.Semaphore // with perHost permits
}

// oneAfterTheOther checks the sites in turn.
//
// When ctx is cancelled it returns that error; the rows of the sites it got to are filled in.
func (s *survey) oneAfterTheOther(ctx context.Context, rows []*row) error {
	s.conns.expect(rows)
	defer s.conns.close()
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
	s.conns.expect(rows)
	defer s.conns.close()
	_, err := aio.Map(ctx, rows, func(ctx context.Context, r *row) (aio.None, error) {
		return aio.None{}, s.visit(ctx, r)
	}, aio.Limit(s.limit))
	return err
}

// visit checks one site, more than once if necessary. A problem of the site is noted in its row;
// the error is only that of a cancelled survey.
func (s *survey) visit(ctx context.Context, r *row) error {
	at, err := parseSite(r.url)
	if err != nil {
		r.tries, r.err = 1, err
		return nil
	}
	leave, err := s.enter(ctx, at)
	if err != nil {
		return err
	}
	defer leave()
	for {
		if err := s.try(ctx, r, at); err != nil {
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

// enter waits until another site of a host may be checked; leave says that this is done.
func (s *survey) enter(ctx context.Context, at place) (leave func(), err error) {
	key := at.key()
	leave = func() {}
	if s.perHost > 0 {
		if s.hosts == nil {
			s.hosts = map[string]*aiosync.Semaphore{}
		}
		if s.hosts[key] == nil {
			s.hosts[key] = aiosync.NewSemaphore(s.perHost)
		}
		if err := s.hosts[key].Acquire(ctx); err != nil {
			return nil, err
		}
		leave = s.hosts[key].Release
	}
	if s.conns.later[key] > 0 {
		s.conns.later[key]--
	}
	return leave, nil
}

// try checks a site once and fills in its row.
func (s *survey) try(ctx context.Context, r *row, at place) error {
	clock := aio.RunningLoop(ctx)
	start := clock.Time()
	r.redirects = nil
	a, err := aio.WaitFor(ctx, s.timeout, func(ctx context.Context) (*answer, error) {
		return s.follow(ctx, r, at)
	})
	if errors.Is(err, aio.ErrCancelled) {
		return err
	}
	r.tries++
	r.took, r.status, r.err = clock.Time().Sub(start), status{}, err
	if err == nil {
		r.status = a.status
		s.release(ctx, a)
	}
	return nil
}

// pauseAfter returns how long to wait after so many tries that failed: 0.1 s, then twice as long
// each time, at most 2 s.
func pauseAfter(tries int) time.Duration {
	return min(100*time.Millisecond<<min(tries-1, 10), 2*time.Second)
}
