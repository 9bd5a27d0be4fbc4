// Crawler walks through a website, breadth first, and reports its pages.
//
//	go run ./examples/crawler                        a site of its own
//	go run ./examples/crawler -depth 2 -pages 50 https://go.dev
//
// crawl.go has the workers and their shared state, page.go reads one page, robots.go knows the
// rules for robots, report.go writes the result. site.go is a site to crawl.
package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/places"
)

func main() { os.Exit(run(context.Background(), os.Args[1:], cli.Standard())) }

// run is the whole program, from the command line to the exit code.
func run(ctx context.Context, args []string, std cli.Streams) int {
	s, err := parseFlags(args)
	if err != nil {
		return std.Usage("crawler", usage, err)
	}
	p := &program{settings: s, Streams: std}
	code, err := cli.Run(ctx, p.main)
	if code == cli.Failed {
		return std.Fail("crawler", err)
	}
	if p.crawl != nil { // the results so far are reported in any case
		if p.json {
			err = p.crawl.writeJSON(std.Out)
		} else {
			err = p.crawl.writeReport(std.Out, p.took)
		}
	}
	switch {
	case code == cli.Interrupted && p.crawl == nil:
		fmt.Fprintln(std.Err, "crawler: interrupted before it began")
		return code
	case code == cli.Interrupted:
		fmt.Fprintf(std.Err, "crawler: interrupted: %s visited, %d still to be visited\n",
			cli.Count(p.crawl.visited(), "page"), p.crawl.waiting())
		return code
	case err != nil:
		return std.Fail("crawler", err)
	case p.crawl.broken(p.crawl.starts) || p.strict && p.crawl.broken(p.crawl.order):
		return cli.Failed
	}
	return cli.OK
}

// program is one run.
type program struct {
	settings
	cli.Streams
	transport http.RoundTripper // nil: the network
	crawl     *crawl
	took      time.Duration
}

// main is the main task.
func (p *program) main(ctx context.Context) error {
	starts := p.urls
	if len(starts) == 0 {
		server, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", village)
		if err != nil {
			return err
		}
		defer server.Close()
		start, err := url.Parse(server.URL())
		if err != nil {
			return err
		}
		starts = []*url.URL{start}
	}
	transport := p.transport
	if p.public {
		public := places.Transport(p.urls...)
		defer public.CloseIdleConnections()
		transport = public
	}
	client := &aiohttp.Client{
		Transport: transport,
		PerHost:   p.perHost,
		Timeout:   p.timeout,
		Redirects: -1,
		Retry:     aiohttp.Retry{Attempts: 1 + p.retries},
	}
	client.Header = http.Header{"User-Agent": {userAgent}}
	defer client.Close()
	p.crawl = newCrawl(client, p.settings, starts)
	clock := aio.RunningLoop(ctx)
	began := clock.Time()
	defer func() { p.took = clock.Time().Sub(began) }()
	if p.Progress == nil {
		return p.crawl.run(ctx)
	}
	return p.watched(ctx)
}

// watched crawls while another task keeps a line about it up to date.
func (p *program) watched(ctx context.Context) error {
	defer fmt.Fprint(p.Progress, "\r\x1b[K")
	return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
		g.Go(func(ctx context.Context) error {
			for {
				fmt.Fprintf(p.Progress, "\r\x1b[K%s visited, %d to be visited, %d under way",
					cli.Count(p.crawl.visited(), "page"), p.crawl.waiting(), p.crawl.busy)
				if err := aio.Sleep(ctx, 100*time.Millisecond); err != nil {
					return err
				}
			}
		}, aio.Name("progress"))
		defer g.Cancel(nil)
		return p.crawl.run(ctx)
	})
}
