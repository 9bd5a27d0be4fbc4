// Titles finds the heading of many web pages at the same time.
//
//	go run ./examples/titles    fifteen pages from a site of its own
//	go run ./examples/titles -from 185 -to 199 https://talkpython.fm/{n}
//	go run ./examples/titles https://go.dev https://pkg.go.dev
//
// page.go fetches a page as far as its heading; site.go is the other end.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/examples/internal/cli"
)

func main() { os.Exit(run(context.Background(), os.Args[1:], cli.Standard())) }

// run is the whole program, from the command line to the exit code.
func run(ctx context.Context, args []string, std cli.Streams) int {
	s, err := parseFlags(args)
	if err != nil {
		return std.Usage("titles", usage, err)
	}
	p := &program{settings: s, Streams: std, log: newLog(std.Out, s.color)}
	code, err := cli.Run(ctx, p.main)
	switch {
	case code == cli.Interrupted:
		fmt.Fprintf(std.Err, "titles: interrupted: %d of %d pages looked at\n",
			p.found+p.failed, len(p.pages))
		return code
	case err != nil:
		return std.Fail("titles", err)
	case p.failed > 0:
		return cli.Failed
	}
	return cli.OK
}

// program is one run.
type program struct {
	settings
	cli.Streams
	log           *log
	transport     http.RoundTripper // nil: the network
	found, failed int
}

// page is one to look at. The other fields are known afterwards.
type page struct {
	Name         string `json:"-"` // to the reader of the log
	URL          string `json:"url"`
	Title        string `json:"title"`
	Milliseconds int64  `json:"milliseconds"`
	Error        string `json:"error,omitempty"`
}

// shown is the page as it is shown to machines.
func (page page) shown() page { page.URL = cli.ShownURL(page.URL); return page }

// main is the main task.
func (p *program) main(ctx context.Context) error {
	if p.own {
		base := "http://podcast"
		if p.transport == nil {
			server, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", podcast)
			if err != nil {
				return err
			}
			defer server.Close()
			base = server.URL()
		}
		for _, page := range p.pages {
			page.URL = base + page.URL
		}
	}
	c := &aiohttp.Client{
		Transport: p.transport,
		Limit:     p.limit,
		Timeout:   p.timeout,
		Retry:     aiohttp.Retry{Attempts: 3},
	}
	if p.public && p.transport == nil {
		c.Reach = aiohttp.NoNarrower
	}
	defer c.Close()
	clock := aio.RunningLoop(ctx)
	began := clock.Time()
	_, err := aio.Map(ctx, p.pages, func(ctx context.Context, page *page) (aio.None, error) {
		return aio.None{}, p.look(ctx, c, page)
	})
	if err != nil {
		return err
	}
	if !p.json {
		p.log.line(white, "Program completed in %.5f seconds.", clock.Time().Sub(began).Seconds())
		p.log.line(white, "Done.")
	}
	return nil
}

// look finds the title of one page and tells. Its error is that of a cancellation; other failures
// are noted in the page.
func (p *program) look(ctx context.Context, c *aiohttp.Client, page *page) error {
	if !p.json {
		p.log.line(yellow, "Getting HTML for %s", page.Name)
	}
	clock := aio.RunningLoop(ctx)
	began := clock.Time()
	title, err := fetchTitle(ctx, c, page.URL, func() {
		if !p.json {
			p.log.line(cyan, "Getting TITLE for %s", page.Name)
		}
	})
	if errors.Is(err, aio.ErrCancelled) {
		return err
	}
	page.Title, page.Milliseconds = title,
		clock.Time().Sub(began).Round(time.Millisecond).Milliseconds()
	if err != nil {
		page.Error = cli.Line(err)
		p.failed++
	} else {
		p.found++
	}
	switch {
	case p.json:
		return cli.WriteJSON(p.Out, page.shown())
	case err != nil:
		p.log.line(red, "No title for %s: %s", page.Name, page.Error)
	default:
		p.log.line(white, "Title found: %s", title)
	}
	return nil
}
