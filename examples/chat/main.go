// Chat is a group chat: rooms on a server, for all that connect with telnet or nc.
//
//	go run ./examples/chat                                  port 2424 of this machine
//	go run ./examples/chat -addr :2424 -addr unix:/tmp/chat
//	go run ./examples/chat -web 127.0.0.1:8080              and http://127.0.0.1:8080 in a browser
//
// hall.go has the state that members share, member.go the conversation with one of them at a
// terminal, web.go that in a browser, commands.go their commands.
package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/limits"
	"github.com/aio-go/aio/stream"
)

const usage = `Chat serves a group chat to those who connect: nc 127.0.0.1 2424

    chat [flags]

    -addr ADDRESS   listen on HOST:PORT, or on unix:PATH, to which only you can connect; may be given
                    several times (default 127.0.0.1:2424; port 0 takes a free one)
    -web ADDRESS    serve a page for browsers on HOST:PORT as well; its members are in the same rooms
    -backlog BYTES  what may wait to be sent to a member; one who reads so slowly that more would have to
                    wait is cut off (default 65536)
    -rate N         lines that a member may send in a second, 20 more at the beginning; those who send
                    more are read more slowly, and not for more than 5 minutes (default 10)
    -connections N  serve at most N members; further ones are closed at once (default 1000)
    -idle TIME      part with a member who says nothing for that long (default 2h)

The commands in the chat are

%s
Everything else is said to the others in the same room. Ctrl-C where the server runs ends the chat; the
members are told.

Exit code: 0, also after Ctrl-C or SIGTERM; 1 if nothing can be served; 2 for a mistake in the command line.
`

func main() { os.Exit(run(context.Background(), os.Args[1:], cli.Standard())) }

// run is the whole program, from the command line to the exit code.
func run(ctx context.Context, args []string, std cli.Streams) int {
	s, err := parseFlags(args)
	if err != nil {
		return std.Usage("chat", fmt.Sprintf(usage, help("    ", "\n")), err)
	}
	return std.Serve(ctx, "chat", func(ctx context.Context) error { return serve(ctx, s, std) })
}

// settings are what the command line says.
type settings struct {
	addrs   []string
	web     string // "" for none
	backlog int    // bytes
	rate    int    // lines a second
	flood   time.Duration
	limits  limits.Limits
}

const (
	silence = 2 * time.Hour   // how long a member may say nothing
	flood   = 5 * time.Minute // how long a member may send more than the rate
)

func parseFlags(args []string) (settings, error) {
	s := settings{flood: flood}
	flags := cli.Flags("chat")
	flags.Func("addr", "", func(addr string) error {
		s.addrs = append(s.addrs, addr)
		return nil
	})
	flags.StringVar(&s.web, "web", "", "")
	flags.IntVar(&s.backlog, "backlog", 64<<10, "")
	flags.IntVar(&s.rate, "rate", 10, "")
	s.limits = limits.Default()
	s.limits.Idle = silence
	s.limits.Flags(flags)
	rest, err := cli.Parse(flags, args)
	if err == nil {
		err = cmp.Or(cli.NoArguments(rest), s.limits.Check())
	}
	switch {
	case err != nil:
		return s, err
	case s.backlog < leastBacklog:
		return s, fmt.Errorf("-backlog is %d; it must be at least %d", s.backlog, leastBacklog)
	case s.rate < 1:
		return s, fmt.Errorf("-rate is %d; it must be at least 1", s.rate)
	}
	if len(s.addrs) == 0 {
		s.addrs = []string{"127.0.0.1:2424"}
	}
	return s, nil
}

// parting is how long members have to take their last lines when the chat ends.
const parting = time.Second

// serve serves on all addresses until ctx is cancelled.
func serve(ctx context.Context, s settings, std cli.Streams) error {
	h := &hall{backlog: s.backlog, rate: s.rate, flood: s.flood, log: std.Out, limits: &s.limits}
	var servers []*stream.Server
	web, err := h.serveWeb(ctx, s, std)
	if err != nil {
		return err
	}
	for _, addr := range s.addrs {
		network, address := cli.Network(addr)
		server, err := stream.Serve(ctx, network, address, s.limits.Handler(h.serve),
			stream.Limit(longestLine))
		if err != nil {
			for _, server := range servers {
				server.Close()
			}
			return err
		}
		servers = append(servers, server)
		if network == "tcp" {
			addr = server.Addrs()[0].String()
		}
		fmt.Fprintf(std.Out, "Serving on %s.\n", addr)
	}
	fmt.Fprintln(std.Out, "Ctrl-C ends the chat.")

	_, err = aio.NewFuture[aio.None](ctx).Await(ctx) // until Ctrl-C
	fmt.Fprintf(std.Out, "\nThe chat ends, with %d here.\n", len(h.members))
	h.dismiss()
	goodbye, cancel := aio.WithTimeout(context.WithoutCancel(ctx), parting)
	defer cancel()
	if web != nil {
		web.Close() // the conversations end with the loop
	}
	for _, server := range servers {
		server.Close()
		server.CloseClients()
	}
	for _, server := range servers {
		// members that do not take their last line in time are dropped with the loop
		server.WaitClosed(goodbye)
	}
	return err
}
