package main

import (
	"context"
	"errors"
	"hash/maphash"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/aiosync"
)

// crawl is one walk. Its workers are tasks of one loop, so their shared state, all of this, needs
// no lock.
type crawl struct {
	settings
	client *aiohttp.Client
	queue  *aiosync.Queue[*page]
	starts []*page
	pages  map[string]*page // all that are known, by URL
	order  []*page          // the same in the order in which they were found
	hosts  map[string]*host // by scheme and name
	scope  map[string]bool  // hosts that links are followed to
	beyond map[uint64]bool  // URLs on others, by hash
	seed   maphash.Seed     // of these hashes
	over   int              // links that were left out because of a bound
	queued int              // pages that were put into the queue
	busy   int              // workers that visit a page
}

// state is how far we are with a page.
type state int

const (
	known   state = iota // and not to be visited: too deep, or one too many
	waiting              // in the queue, or being visited
	done
)

// page is a known page. The results of a visit are there when it is done.
type page struct {
	url   *url.URL
	depth int // steps from a start, as far as we know
	state state

	status   int
	kind     string // media type
	hops     int    // redirects in a row that have led here
	title    string
	bytes    int64
	cut      bool // it is longer, or stranger, than what we read
	took     time.Duration
	links    []*page // without those that lead out, in the order of the page, each once
	redirect *page
	skipped  string // why it was not asked for
	err      error
}

func newCrawl(client *aiohttp.Client, s settings, starts []*url.URL) *crawl {
	c := &crawl{
		settings: s, client: client, queue: aiosync.NewQueue[*page](0),
		pages: map[string]*page{}, hosts: map[string]*host{}, scope: map[string]bool{},
		beyond: map[uint64]bool{}, seed: maphash.MakeSeed(),
	}
	for _, u := range starts {
		u = normalized(u)
		c.scope[u.Host] = true
		c.starts = append(c.starts, c.found(u, 0))
	}
	return c
}

// run walks until there is nothing left to visit. Its error is that of a cancellation.
func (c *crawl) run(ctx context.Context) error {
	return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
		for range c.workers {
			g.Go(c.work)
		}
		if err := c.queue.Join(ctx); err != nil {
			return err
		}
		c.queue.Shutdown(false) // the workers end
		return nil
	})
}

// work is a worker: it visits one page after the other.
func (c *crawl) work(ctx context.Context) error {
	for {
		p, err := c.queue.Get(ctx)
		if errors.Is(err, aiosync.ErrQueueShutdown) {
			return nil
		}
		if err != nil {
			return err
		}
		c.busy++
		err = c.visit(ctx, p)
		c.busy--
		if err != nil {
			return err // p is as if it had not been visited
		}
		p.state = done
		c.queue.TaskDone()
	}
}

// found notes that a path of so many steps leads to a page. It returns nil if the page lies
// outside, or beyond a bound. The first path found need not be the shortest, since some pages are
// slow. A shorter one counts for all pages behind this one, too, so the result does not depend on
// speed.
func (c *crawl) found(u *url.URL, depth int) *page {
	key := u.String()
	if !c.span && !c.scope[u.Host] {
		if hash := maphash.String(c.seed, key); len(c.beyond) < c.known {
			c.beyond[hash] = true
		} else if !c.beyond[hash] {
			c.over++
		}
		return nil
	}
	p := c.pages[key]
	if p == nil {
		if len(c.order) >= max(c.known, len(c.urls)) {
			c.over++
			return nil
		}
		if again, err := url.Parse(key); err == nil {
			u = again // its parts are parts of the key, and not of a page that has a longer one
		}
		p = &page{url: u, depth: depth}
		c.pages[key] = p
		c.order = append(c.order, p)
	}
	c.reach(p, depth)
	return p
}

func (c *crawl) reach(p *page, depth int) {
	shorter := depth < p.depth
	p.depth = min(p.depth, depth)
	if p.state == known && p.depth <= c.depth && c.queued < c.settings.pages {
		p.state = waiting
		c.queued++
		if err := c.queue.PutNowait(p); err != nil {
			// the queue is unbounded, and shut down only when no worker can find more pages
			panic(err)
		}
	}
	if shorter {
		for _, link := range p.links {
			c.reach(link, depth+1)
		}
		if p.redirect != nil {
			c.reach(p.redirect, depth)
		}
	}
}

// broken reports whether any of the pages is.
func (c *crawl) broken(pages []*page) bool { return slices.ContainsFunc(pages, (*page).broken) }

// visited and waiting count pages.
func (c *crawl) visited() int {
	return c.count(func(p *page) bool { return p.state == done && p.skipped == "" })
}
func (c *crawl) waiting() int { return c.count(func(p *page) bool { return p.state == waiting }) }

func (c *crawl) count(is func(*page) bool) int {
	n := 0
	for _, p := range c.order {
		if is(p) {
			n++
		}
	}
	return n
}

func (p *page) broken() bool { return p.err != nil || p.status >= 400 }

// isPage reports whether u can be visited at all.
func isPage(u *url.URL) bool { return (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" }

// normalized returns the one spelling of a URL that we use.
func normalized(u *url.URL) *url.URL {
	n := *u
	n.Fragment, n.RawFragment, n.User = "", "", nil
	n.Host = strings.ToLower(n.Host)
	if port := n.Port(); n.Scheme == "http" && port == "80" ||
		n.Scheme == "https" && port == "443" {
		n.Host = strings.TrimSuffix(n.Host, ":"+port)
	}
	if n.Path == "" {
		n.Path = "/"
	}
	return &n
}
