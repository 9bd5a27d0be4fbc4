// Tcpmoji finds Unicode characters by their names, for everybody who connects with telnet.
//
//	go run ./examples/tcpmoji               serve on this machine, port 2323
//	go run ./examples/tcpmoji chess king    search once, without a server
//
// server.go is the conversation with one visitor.
package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/examples/internal/charindex"
	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/limits"
	"github.com/aio-go/aio/stream"
)

const usage = `Tcpmoji finds Unicode characters by the words of their names.

    tcpmoji [flags]            serve those who connect: telnet 127.0.0.1 2323
    tcpmoji [flags] WORD...    print the characters that have all these words, and end

    -addr ADDRESS   listen on HOST:PORT (default 127.0.0.1:2323; port 0 takes a free one)
` + limits.Help + `
A visitor gets a prompt, types words, and gets a line for each character that is found and the number
of them. Ctrl-C, Ctrl-D or any other control character ends the conversation. Ctrl-C where the server
runs ends the server; its visitors are told.

Exit code: 0, also after Ctrl-C or SIGTERM in the server; 1 if nothing was found, or nothing can be served; 2 for a
mistake in the command line.
`

// index is made when it is needed, and once.
var index = sync.OnceValue(charindex.New)

func main() { os.Exit(run(context.Background(), os.Args[1:], cli.Standard())) }

// run is the whole program, from the command line to the exit code.
func run(ctx context.Context, args []string, std cli.Streams) int {
	flags := cli.Flags("tcpmoji")
	addr := flags.String("addr", "127.0.0.1:2323", "")
	bounds := limits.Default()
	bounds.Flags(flags)
	words, err := cli.Parse(flags, args)
	if err == nil {
		err = bounds.Check()
	}
	if err != nil {
		return std.Usage("tcpmoji", usage, err)
	}
	if len(words) > 0 {
		return search(words, std)
	}
	return std.Serve(ctx, "tcpmoji", func(ctx context.Context) error { return serve(ctx, *addr, &bounds, std) })
}

// search answers one query, without any loop.
func search(words []string, std cli.Streams) int {
	found := index().Search(strings.Join(words, " "))
	for _, c := range found {
		fmt.Fprintln(std.Out, c)
	}
	fmt.Fprintln(std.Out, total(len(found)))
	if len(found) == 0 {
		return cli.Failed
	}
	return cli.OK
}

// serve serves until ctx is cancelled.
func serve(ctx context.Context, addr string, bounds *limits.Limits, std cli.Streams) error {
	// Making the index takes a while, and it is the only thing here that does: on another goroutine it
	// holds up nobody, so that Ctrl-C ends the program at once even now.
	chars, err := aio.ToThread(ctx, func(context.Context) (*charindex.Index, error) { return index(), nil })
	if err != nil {
		return err
	}
	f := &finder{index: chars, log: std.Out, limits: bounds}
	server, err := stream.Serve(ctx, "tcp", addr, bounds.Handler(f.serve), stream.Limit(longestQuery))
	if err != nil {
		return err
	}
	fmt.Fprintf(std.Out, "Serving on %s. Ctrl-C ends it.\n", server.Addrs()[0])
	err = server.ServeForever(ctx)
	fmt.Fprintln(std.Out, "\nServer shut down.")
	f.dismiss()
	server.CloseClients()
	goodbye, cancel := aio.WithTimeout(context.WithoutCancel(ctx), parting)
	defer cancel()
	server.WaitClosed(goodbye) // those who do not take their last line in time are dropped with the loop
	return err
}

// parting is how long visitors have to take what was written for them when the server ends.
const parting = time.Second
