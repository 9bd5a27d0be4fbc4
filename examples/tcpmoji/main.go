// Tcpmoji finds Unicode characters by their names, for all that connect with telnet.
//
//	go run ./examples/tcpmoji               serve on this machine, port 2323
//	go run ./examples/tcpmoji chess king    search once, without a server
//
// server.go is the conversation with one visitor.
package main

import (
	"context"
	"errors"
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

    -json           with WORD: print one JSON object a character, each on a line of its own: char, name, code
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
	machine := flags.Bool("json", false, "")
	bounds := limits.Default()
	bounds.Flags(flags)
	words, err := cli.Parse(flags, args)
	if err == nil {
		err = bounds.Check()
	}
	if err == nil && *machine && len(words) == 0 {
		err = errors.New("-json is for a search; name the words")
	}
	if err != nil {
		return std.Usage("tcpmoji", usage, err)
	}
	if len(words) > 0 {
		return search(words, *machine, std)
	}
	return std.Serve(ctx, "tcpmoji", func(ctx context.Context) error {
		return serve(ctx, *addr, &bounds, std)
	})
}

// search answers one query, without any loop.
func search(words []string, machine bool, std cli.Streams) int {
	type object struct {
		Char string `json:"char"`
		Name string `json:"name"`
		Code string `json:"code"`
	}
	n := 0
	for c := range index().All(strings.Join(words, " ")) {
		n++
		if !machine {
			fmt.Fprintln(std.Out, c)
		} else if err := cli.WriteJSON(std.Out, object{string(c.Rune), c.Name, fmt.Sprintf("U+%04X",
			c.Rune)}); err != nil {
			return std.Fail("tcpmoji", err)
		}
	}
	if !machine {
		fmt.Fprintln(std.Out, total(n))
	}
	if n == 0 {
		return cli.Failed
	}
	return cli.OK
}

// serve serves until ctx is cancelled.
func serve(ctx context.Context, addr string, bounds *limits.Limits, std cli.Streams) error {
	// Making the index takes a while. On another goroutine it does not block the loop, so that
	// Ctrl-C ends the program at once even now.
	chars, err := aio.ToThread(ctx, func(context.Context) (*charindex.Index, error) {
		return index(), nil
	})
	if err != nil {
		return err
	}
	f := &finder{index: chars, log: std.Out, limits: bounds}
	server, err := stream.Serve(ctx, "tcp", addr, bounds.Handler(f.serve),
		stream.Limit(longestQuery))
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
	// visitors that do not take their last line in time are dropped with the loop
	server.WaitClosed(goodbye)
	return err
}

// parting is how long visitors have to take their last lines when the server ends.
const parting = time.Second
