// Ticker pushes the prices of invented shares to all who listen: as server-sent events, to a page
// and to programs.
//
//	go run ./examples/ticker                   then open http://127.0.0.1:8000
//	go run ./examples/ticker follow http://127.0.0.1:8000/events
//
// market.go has the prices and their history, site.go the handlers, follow.go the other end.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/limits"
)

const usage = `Ticker pushes the prices of invented shares to a page and to programs.

    ticker [flags]                 serve the page and the events
    ticker follow [flags] URL      write a line for each event of a server

    -addr ADDRESS   listen on HOST:PORT (default 127.0.0.1:8000; port 0 takes a free one)
    -every TIME     the time between two changes (default 1s)
    -seed N         the same number gives the same prices (default 1)
    -connections N  serve at most N connections; further ones wait for their turn (default 1000)
    -idle TIME      close a connection whose other side neither sends nor takes anything for that long
                    (default 1m)

follow has the flags

    -n N            end after N events (default: go on)
    -last ID        begin after the event with this ID (default: with the next one)

It connects again when the connection ends, and gets the events that it has missed if the server still
has them.

    /               the page
    /events         the events: id, and data in JSON with name and cents

Exit code of a server: 0, also after Ctrl-C or SIGTERM; 1 if nothing can be served; 2 for a mistake in the
command line. Exit code of follow: 0 after N events; 1 if the server cannot be reached or sends something
else; 2 for a mistake in the command line; 130 after Ctrl-C or SIGTERM.
`

// parting is how long connections have when the server ends. Those that listen would stay for ever.
const parting = 100 * time.Millisecond

func main() { os.Exit(run(context.Background(), os.Args[1:], cli.Standard())) }

// run is the whole program, from the command line to the exit code.
func run(ctx context.Context, args []string, std cli.Streams) int {
	if len(args) > 0 && args[0] == "follow" {
		return runFollow(ctx, args[1:], std)
	}
	flags := cli.Flags("ticker")
	addr := flags.String("addr", "127.0.0.1:8000", "")
	every := flags.Duration("every", time.Second, "")
	seed := flags.Uint64("seed", 1, "")
	bounds := limits.Default()
	bounds.Idle = time.Minute
	bounds.Flags(flags)
	rest, err := cli.Parse(flags, args)
	if err == nil {
		err = cmp.Or(cli.NoArguments(rest), bounds.Check())
	}
	if err == nil && *every < time.Millisecond {
		err = fmt.Errorf("-every is %v; it must be at least 1ms", *every)
	}
	if err != nil {
		return std.Usage("ticker", usage, err)
	}
	return std.Serve(ctx, "ticker", func(ctx context.Context) error {
		return serve(ctx, *addr, *every, *seed, bounds, std)
	})
}

// serve serves until ctx is cancelled.
func serve(
	ctx context.Context, addr string, every time.Duration, seed uint64, bounds limits.Limits,
	std cli.Streams,
) error {
	m := newMarket(seed)
	server, err := aiohttp.Serve(ctx, "tcp", addr, routes(m),
		aiohttp.MaxConnections(bounds.Connections), aiohttp.BodyTimeout(bounds.Idle),
		func(s *http.Server) { s.IdleTimeout = bounds.Idle })
	if err != nil {
		return err
	}
	server.Drain = parting
	fmt.Fprintf(std.Out, "Serving on %s. Ctrl-C ends it.\n", server.URL())
	err = aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
		g.Go(func(ctx context.Context) error { return m.trade(ctx, every) }, aio.Name("market"))
		return server.ServeForever(ctx)
	})
	if errors.Is(err, aio.ErrCancelled) {
		fmt.Fprintf(std.Out, "\nThe market closed after %s.\n", cli.Count(m.changes, "change"))
	}
	return err
}
