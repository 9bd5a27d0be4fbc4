package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aio-go/aio/examples/internal/cli"
)

const usage = `Titles finds the heading of many web pages at the same time.

    titles [flags]           of the episodes of a podcast, on a site of its own on this machine
    titles [flags] URL...    of these pages; {n} in a URL stands for each of the numbers

    -from N, -to N  the numbers (default 185 and 199)
    -limit N        look at up to N pages at the same time (default 100)
    -timeout TIME   give a page that long: 500ms, 10s, 1m (default 30s)
    -public         no redirect leads to this machine or its networks, unless you gave such a host
    -color WHEN     colour the lines: always, never, or auto: on a terminal, unless the
                    environment variable NO_COLOR is set (default auto)
    -json           print one JSON object a page, each on a line of its own:
                    url, title, milliseconds, error

A URL without a scheme is http. The heading is the text of the first <h1>; a page without one has the title MISSING. Pages are read
as far as that only.

Exit code: 0 if every page could be read, 1 if not, 2 for a mistake in the command line, 130 after
Ctrl-C or SIGTERM.
`

// settings are what the command line says.
type settings struct {
	pages   []*page
	own     bool // the pages are on a site of our own
	limit   int
	timeout time.Duration
	color   string
	public  bool
	json    bool
}

func parseFlags(args []string) (settings, error) {
	var s settings
	flags := cli.Flags("titles")
	from := flags.Int("from", 185, "")
	to := flags.Int("to", 199, "")
	flags.IntVar(&s.limit, "limit", 100, "")
	flags.DurationVar(&s.timeout, "timeout", 30*time.Second, "")
	flags.StringVar(&s.color, "color", "auto", "")
	flags.BoolVar(&s.public, "public", false, "")
	flags.BoolVar(&s.json, "json", false, "")
	urls, err := cli.Parse(flags, args)
	if err != nil {
		return s, err
	}
	switch {
	case *from < 0 || *to < *from:
		return s, fmt.Errorf("-from is %d and -to is %d; they must be a range of numbers from 0",
			*from, *to)
	case *to-*from >= 10_000:
		return s, fmt.Errorf("-from %d -to %d are %d numbers; 10,000 is the most",
			*from, *to, *to-*from+1)
	case s.limit < 1:
		return s, fmt.Errorf("-limit is %d; it must be at least 1", s.limit)
	case s.timeout <= 0:
		return s, fmt.Errorf("-timeout is %v; it must be more than 0", s.timeout)
	case s.color != "auto" && s.color != "always" && s.color != "never":
		return s, fmt.Errorf("-color is %q; it must be auto, always or never", s.color)
	}
	if s.own = len(urls) == 0; s.own {
		urls = []string{"/{n}"}
	}
	for _, address := range urls {
		if !s.own {
			if _, err := cli.WebURL(strings.ReplaceAll(address, "{n}", "0")); err != nil {
				return s, fmt.Errorf("%q is not the URL of a page; "+
					"it must begin with http:// or https://", cli.ShownURL(address))
			}
			address = cli.WithScheme(address)
		}
		if !strings.Contains(address, "{n}") {
			s.pages = append(s.pages, &page{Name: cli.ShownURL(address), URL: address})
			continue
		}
		for n := *from; n <= *to; n++ {
			s.pages = append(s.pages, &page{
				Name: fmt.Sprint("episode ", n),
				URL:  strings.ReplaceAll(address, "{n}", strconv.Itoa(n)),
			})
		}
	}
	return s, nil
}
