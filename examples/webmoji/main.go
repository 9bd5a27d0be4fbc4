// Webmoji finds Unicode characters by their names: a page for people, and an API for programs.
//
//	go run ./examples/webmoji        then open http://127.0.0.1:8000
//
// app.go has the handlers. They are tasks of one loop, so what they share needs no lock. The page
// is in web.
package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/examples/internal/charindex"
	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/limits"
)

const usage = `Webmoji finds Unicode characters by the words of their names, on the web.

    webmoji [flags]       serve the page and the API

    -addr ADDRESS   listen on HOST:PORT (default 127.0.0.1:8000; port 0 takes a free one)
    -log            print a line for each search
    -connections N  serve at most N connections; further ones wait for their turn (default 1000)
    -idle TIME      close a connection whose other side neither sends nor takes anything for that long
                    (default 1m)

    /                   the page; /?q=WORDS shows what is found, also without JavaScript
    /search?q=WORDS     the same as JSON: a list of objects with char, name and code
    /openapi.json       the description of the API

Ctrl-C ends the server when the requests that are under way are answered, after two seconds at the latest.

Exit code: 0, also after Ctrl-C or SIGTERM; 1 if nothing can be served; 2 for a mistake in the command line.
`

// parting is how long requests that are under way have when the server ends.
const parting = 2 * time.Second

// index is made when it is needed, and once.
var index = sync.OnceValue(charindex.New)

func main() { os.Exit(run(context.Background(), os.Args[1:], cli.Standard())) }

// run is the whole program, from the command line to the exit code.
func run(ctx context.Context, args []string, std cli.Streams) int {
	flags := cli.Flags("webmoji")
	addr := flags.String("addr", "127.0.0.1:8000", "")
	verbose := flags.Bool("log", false, "")
	bounds := limits.Default()
	bounds.Idle = time.Minute
	bounds.Flags(flags)
	rest, err := cli.Parse(flags, args)
	if err == nil {
		err = cmp.Or(cli.NoArguments(rest), bounds.Check())
	}
	if err != nil {
		return std.Usage("webmoji", usage, err)
	}
	return std.Serve(ctx, "webmoji", func(ctx context.Context) error {
		return serve(ctx, *addr, *verbose, bounds, std)
	})
}

// serve serves until ctx is cancelled.
func serve(
	ctx context.Context, addr string, verbose bool, bounds limits.Limits, std cli.Streams,
) error {
	// Making the index takes a while: on another goroutine, so that Ctrl-C ends the program at once
	// even now.
	chars, err := aio.ToThread(ctx, func(context.Context) (*charindex.Index, error) {
		return index(), nil
	})
	if err != nil {
		return err
	}
	a := &app{index: chars}
	if verbose {
		a.log = std.Out
	}
	server, err := aiohttp.Serve(ctx, "tcp", addr, a.routes(),
		aiohttp.MaxConnections(bounds.Connections), aiohttp.BodyTimeout(bounds.Idle),
		func(s *http.Server) { s.IdleTimeout = bounds.Idle })
	if err != nil {
		return err
	}
	server.Drain = parting
	fmt.Fprintf(std.Out, "Serving on %s. Ctrl-C ends it.\n", server.URL())
	err = server.ServeForever(ctx)
	fmt.Fprintf(std.Out, "\nServer shut down after %s.\n", cli.Count(a.searches, "search"))
	return err
}
