package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/aio-go/aio/examples/internal/cli"
)

const usage = `Genres fetches JSON documents and writes each to a file of its own, one after the other and then all at
once, and tells the times.

    genres [flags]        from a server of its own on this machine, which takes its time
    genres [flags] URL    from there; {n} in the URL stands for the number of the document. Without a
                          scheme it is http

    -n N            fetch N documents (default 10)
    -o DIR          write to DIR/sync and DIR/async (default downloaded/genres)
    -way WAY        only one way: sync or async (default both)
    -limit N        ask for at most N documents at a time (default 100)
    -timeout TIME   give a document that long: 500ms, 10s, 1m (default 30s)
    -retries N      try again up to N times what may work a moment later (default 2)
    -public         no redirect leads to this machine or its networks, unless you gave such a host
    -json           print one JSON object a document, each on a line of its own:
                    way, file, text, milliseconds, error

A document that is a string is written as its text, any other as it came; one may have 1 MiB. A file appears under its
name when it is complete: neither an error nor Ctrl-C nor a full disk leave a part of one.

Exit code: 0 if all documents were written, 1 if not, 2 for a mistake in the command line, 130 after
Ctrl-C or SIGTERM.
`

// settings are what the command line says.
type settings struct {
	n       int
	dir     string
	url     string // "": a server of our own
	ways    []way
	limit   int
	timeout time.Duration
	retries int
	json    bool
	public  bool
}

func parseFlags(args []string) (settings, error) {
	var s settings
	flags := cli.Flags("genres")
	flags.IntVar(&s.n, "n", 10, "")
	flags.StringVar(&s.dir, "o", filepath.Join("downloaded", "genres"), "")
	name := flags.String("way", "both", "")
	flags.IntVar(&s.limit, "limit", 100, "")
	flags.DurationVar(&s.timeout, "timeout", 30*time.Second, "")
	flags.IntVar(&s.retries, "retries", 2, "")
	flags.BoolVar(&s.public, "public", false, "")
	flags.BoolVar(&s.json, "json", false, "")
	rest, err := cli.Parse(flags, args)
	if err != nil {
		return s, err
	}
	switch *name {
	case "sync":
		s.ways = []way{synchronous}
	case "async":
		s.ways = []way{asynchronous}
	case "both":
		s.ways = []way{synchronous, asynchronous}
	default:
		return s, fmt.Errorf("-way is %q; it must be sync, async or both", *name)
	}
	switch {
	case s.n < 1:
		return s, fmt.Errorf("-n is %d; it must be at least 1", s.n)
	case s.dir == "":
		return s, fmt.Errorf("-o is empty; it must name a folder")
	case s.limit < 1:
		return s, fmt.Errorf("-limit is %d; it must be at least 1", s.limit)
	case s.timeout <= 0:
		return s, fmt.Errorf("-timeout is %v; it must be more than 0", s.timeout)
	case s.retries < 0:
		return s, fmt.Errorf("-retries is %d; it must be at least 0", s.retries)
	case len(rest) > 1:
		return s, fmt.Errorf("there is more than one URL: %s", strings.Join(rest, " "))
	}
	if len(rest) == 1 {
		if _, err := cli.WebURL(strings.ReplaceAll(rest[0], "{n}", "0")); err != nil {
			return s, fmt.Errorf("%q is not the URL of a website; "+
				"it must begin with http:// or https://", cli.ShownURL(rest[0]))
		}
		s.url = cli.WithScheme(rest[0])
	}
	return s, nil
}
