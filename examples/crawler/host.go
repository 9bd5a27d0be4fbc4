package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// host is a host of pages.
type host struct {
	robots *aio.Task[*rules]    // fetches robots.txt, once; nil: not needed yet
	pace   *aiosync.RateLimiter // nil: none
}

// largestRobots is how much of a robots.txt is read; RFC 9309 wants at least that.
const largestRobots = 500 << 10

// enter waits until it is polite to ask for a page. If it is not allowed at all skip says why.
func (c *crawl) enter(ctx context.Context, u *url.URL) (skip string, err error) {
	name := u.Scheme + "://" + u.Host
	h := c.hosts[name]
	if h == nil {
		if len(c.hosts) >= max(c.settings.hosts, len(c.urls)) {
			return "too many hosts", nil
		}
		h = &host{}
		c.hosts[name] = h
	}
	r := &rules{}
	if !c.noRobots {
		if h.robots == nil {
			h.robots = aio.CreateTask(ctx, func(ctx context.Context) (*rules, error) {
				return c.askRobots(ctx, name)
			}, aio.Name("robots.txt of "+name))
		}
		if r, err = aio.Shield(ctx, h.robots); err != nil { // others may wait for it as well
			return "", err
		}
	}
	if r.err != nil { // the host is not there
		return "", fmt.Errorf("robots.txt: %w", r.err)
	}
	if !r.allow(u) {
		return "robots.txt", nil
	}
	if delay := max(c.delay, r.delay); delay > 0 {
		if h.pace == nil {
			h.pace = aiosync.NewRateLimiter(1, delay)
		}
		return "", h.pace.Acquire(ctx)
	}
	return "", nil
}

// askRobots asks a host what we may do there. Without a robots.txt that is everything; if it cannot
// tell it is nothing.
func (c *crawl) askRobots(ctx context.Context, name string) (*rules, error) {
	where := name + "/robots.txt"
	for range 5 { // redirects
		r, err := c.client.Get(ctx, where)
		if errors.Is(err, aio.ErrCancelled) {
			return nil, err
		}
		if err != nil || r.StatusCode >= 500 || r.StatusCode == http.StatusTooManyRequests {
			if r != nil {
				r.Close()
			}
			return &rules{nothing: true, err: brief(err)}, nil
		}
		if to := r.Header.Get("Location"); r.StatusCode >= 300 && r.StatusCode < 400 && to != "" {
			r.Close()
			next, err := r.URL.Parse(to)
			if err != nil || !isPage(next) || len(to) > c.longest {
				return &rules{}, nil
			}
			next.User = nil
			where = next.String()
			continue
		}
		if r.StatusCode != http.StatusOK {
			r.Close()
			break
		}
		defer r.Close()
		text, err := io.ReadAll(io.LimitReader(r.Body(ctx), largestRobots))
		if errors.Is(err, aio.ErrCancelled) {
			return nil, err
		}
		if err != nil {
			return &rules{nothing: true, err: brief(err)}, nil
		}
		return parseRobots(string(text), robot), nil
	}
	return &rules{}, nil
}
