package main

import (
	"fmt"
	"net/url"
	"time"

	"github.com/aio-go/aio/examples/internal/cli"
)

const usage = `Crawler walks through a website, breadth first, and tells what is there.

    crawler [flags]           a site of its own on this machine
    crawler [flags] URL...    from these pages on, as far as they lead on the same hosts

    -depth N        follow links up to N steps away (default 5)
    -pages N        visit at most N pages (default 1000)
    -workers N      visit up to N pages at the same time (default 16)
    -per-host N     ask a host for at most N of them at a time (default 4)
    -delay TIME     let at least that time pass between two requests to a host: 100ms, 1s
                    (default 0; a Crawl-delay in robots.txt counts if it is longer, up to 30s)
    -timeout TIME   give a page that long (default 30s)
    -retries N      try again up to N times what may work a moment later (default 1)
    -span           follow links to other hosts, too
    -public         visit only public addresses, besides those of the hosts you gave: no link or redirect
                    leads to this machine or its networks
    -no-robots      do not ask for robots.txt: for your own sites only
    -strict         exit with code 1 if any page is broken, not only one of those you gave
    -json           print one JSON object a page, each on a line of its own:
                    url, depth, status, type, title, bytes, milliseconds, links, redirect,
                    skipped, error

What a site may make the crawler remember has bounds; what is beyond them is left out and counted:

    -size BYTES     read so much of a page (default 2097152)
    -links N        heed so many links of a page, each once (default 1000)
    -known N        know so many pages, visited or not (default 10000)
    -hosts N        ask so many hosts (default 100)
    -redirects N    follow so many redirects in a row (default 10)
    -longest BYTES  leave links with longer URLs alone (default 2048)

A URL without a scheme is http. What robots.txt forbids, and links marked nofollow, is left alone; a robots.txt
with more than 1000 patterns that have a * forbids everything. Ctrl-C ends the walk and shows what
is known.

Exit code: 0; 1 if a page to begin with was not there, or any with -strict; 2 for a mistake in the
command line; 130 after Ctrl-C or SIGTERM.
`

// The crawler's name, and the part of it that robots.txt is searched for.
const (
	robot     = "aio-crawler"
	userAgent = robot + "/1.0"
)

// settings are what the command line says.
type settings struct {
	urls           []*url.URL // none: a site of our own
	depth, pages   int
	workers        int
	perHost        int
	delay, timeout time.Duration
	retries        int
	span, noRobots bool
	public         bool
	size           int64 // bytes of a page
	links, known   int
	hosts          int
	redirects      int
	longest        int // bytes of a URL
	strict, json   bool
}

func parseFlags(args []string) (settings, error) {
	var s settings
	flags := cli.Flags("crawler")
	flags.IntVar(&s.depth, "depth", 5, "")
	flags.IntVar(&s.pages, "pages", 1000, "")
	flags.IntVar(&s.workers, "workers", 16, "")
	flags.IntVar(&s.perHost, "per-host", 4, "")
	flags.DurationVar(&s.delay, "delay", 0, "")
	flags.DurationVar(&s.timeout, "timeout", 30*time.Second, "")
	flags.IntVar(&s.retries, "retries", 1, "")
	flags.BoolVar(&s.span, "span", false, "")
	flags.BoolVar(&s.public, "public", false, "")
	flags.Int64Var(&s.size, "size", 2<<20, "")
	flags.IntVar(&s.links, "links", 1000, "")
	flags.IntVar(&s.known, "known", 10_000, "")
	flags.IntVar(&s.hosts, "hosts", 100, "")
	flags.IntVar(&s.redirects, "redirects", 10, "")
	flags.IntVar(&s.longest, "longest", 2048, "")
	flags.BoolVar(&s.noRobots, "no-robots", false, "")
	flags.BoolVar(&s.strict, "strict", false, "")
	flags.BoolVar(&s.json, "json", false, "")
	rest, err := cli.Parse(flags, args)
	if err != nil {
		return s, err
	}
	switch {
	case s.depth < 0:
		return s, fmt.Errorf("-depth is %d; it must be at least 0", s.depth)
	case s.pages < 1:
		return s, fmt.Errorf("-pages is %d; it must be at least 1", s.pages)
	case s.workers < 1:
		return s, fmt.Errorf("-workers is %d; it must be at least 1", s.workers)
	case s.perHost < 1:
		return s, fmt.Errorf("-per-host is %d; it must be at least 1", s.perHost)
	case s.delay < 0:
		return s, fmt.Errorf("-delay is %v; it must be at least 0", s.delay)
	case s.timeout <= 0:
		return s, fmt.Errorf("-timeout is %v; it must be more than 0", s.timeout)
	case s.retries < 0:
		return s, fmt.Errorf("-retries is %d; it must be at least 0", s.retries)
	}
	for name, n := range map[string]int{
		"size":    int(s.size),
		"links":   s.links,
		"known":   s.known,
		"hosts":   s.hosts,
		"longest": s.longest,
	} {
		if n < 1 {
			return s, fmt.Errorf("-%s is %d; it must be at least 1", name, n)
		}
	}
	if s.redirects < 0 {
		return s, fmt.Errorf("-redirects is %d; it must be at least 0", s.redirects)
	}
	for _, text := range rest {
		u, err := cli.WebURL(text)
		if err != nil {
			return s, fmt.Errorf("%q is not the URL of a page; "+
				"it must begin with http:// or https://", cli.ShownURL(text))
		}
		s.urls = append(s.urls, u)
	}
	return s, nil
}
