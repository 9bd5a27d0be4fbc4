package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/examples/internal/cli"
)

// runFollow is the program that listens.
func runFollow(ctx context.Context, args []string, std cli.Streams) int {
	flags := cli.Flags("ticker follow")
	most := flags.Int("n", 0, "")
	last := flags.String("last", "", "")
	rest, err := cli.Parse(flags, args)
	if err == nil && len(rest) != 1 {
		err = fmt.Errorf("one URL is expected, not %d", len(rest))
	}
	if err == nil && *most < 0 {
		err = fmt.Errorf("-n is %d; it must not be negative", *most)
	}
	if err == nil {
		_, err = cli.WebURL(rest[0])
	}
	if err != nil {
		return std.Usage("ticker", usage, err)
	}
	code, err := cli.Run(ctx, func(ctx context.Context) error {
		return follow(ctx, cli.WithScheme(rest[0]), *last, *most, std)
	})
	if code == cli.Failed {
		return std.Fail("ticker", err)
	}
	return code
}

// follow writes a line for each event, at most most of them if that is not 0.
func follow(ctx context.Context, url, last string, most int, std cli.Streams) error {
	var c aiohttp.Client
	defer c.Close()
	begin := func(r *http.Request) {
		if last != "" {
			r.Header.Set("Last-Event-ID", last)
			last = ""
		}
	}
	n := 0
	for e, err := range c.Events(ctx, url, begin) {
		if err != nil {
			return err
		}
		var q quote
		if json.Unmarshal([]byte(e.Data), &q) != nil {
			return errors.New("the server sends something else than prices")
		}
		fmt.Fprintf(std.Out, "%s %s %d.%02d\n", cli.Printable(e.ID), cli.Printable(q.Name),
			q.Cents/100, q.Cents%100)
		if n++; n == most {
			return nil
		}
	}
	return nil // the server wants nobody to come back
}
