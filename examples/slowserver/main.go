// Slowserver serves files, slowly, and not always.
//
//	go run ./examples/slowserver                          flags, on port 8001
//	go run ./examples/slowserver -root . -error-rate 0.25
//
// The server itself is in examples/internal/slowserver, where other programs find it too.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/flagart"
	"github.com/aio-go/aio/examples/internal/limits"
	"github.com/aio-go/aio/examples/internal/slowserver"
)

const usage = `Slowserver is a web server that answers after a random delay, and sometimes with an error: something
to try downloads with.

    slowserver [flags] [PORT]

    PORT               the port to listen on (default 8001; 0 takes a free one)
    -b, -bind HOST     listen on this address of the machine; 0.0.0.0 and :: are all (default 127.0.0.1)
    -addr ADDRESS      listen on HOST:PORT or unix:PATH instead; only you can connect to the socket
    -d, -root FOLDER   serve the files in this folder, -directory is the same (default: flags that are made
                       here, as de/de.gif and de/metadata.json for each country)
    -delay RANGE       wait that long before each answer: 500ms-5s, 1s (default 500ms-5s)
    -e, -error-rate SHARE
                       answer this share of the requests with 418 I'm a teapot, from 0 to 1 (default 0)
    -seed N            another seed, other delays and errors; the same requests get the same again.
                       0 takes a different one each time (default 1)
    -quiet             do not print a line for each request
    -connections N     serve at most N connections; further ones wait for their turn (default 1000)
    -idle TIME         close a connection whose other side neither sends nor takes anything for that long
                       (default 5m)
Exit code: 0, also after Ctrl-C or SIGTERM; 1 if nothing can be served; 2 for a mistake in the command line.
`

// parting is how long requests may go on after Ctrl-C.
const parting = 100 * time.Millisecond

func main() { os.Exit(run(context.Background(), os.Args[1:], cli.Standard())) }

// run is the whole program, from the command line to the exit code.
func run(ctx context.Context, args []string, std cli.Streams) int {
	s, err := parseFlags(args)
	if err != nil {
		return std.Usage("slowserver", usage, err)
	}
	defer s.close()
	return std.Serve(ctx, "slowserver", func(ctx context.Context) error {
		return serve(ctx, s, std)
	})
}

// settings are what the command line says.
type settings struct {
	addr  string
	files fs.FS
	close func() error // of the files
	mood  slowserver.Mood
	quiet bool

	limits limits.Limits
}

func parseFlags(args []string) (settings, error) {
	var s settings
	flags := cli.Flags("slowserver")
	flags.StringVar(&s.addr, "addr", "", "")
	bind, root := "127.0.0.1", ""
	for _, name := range []string{"b", "bind"} {
		flags.StringVar(&bind, name, bind, "")
	}
	for _, name := range []string{"d", "directory", "root"} {
		flags.StringVar(&root, name, "", "")
	}
	delay := flags.String("delay", "500ms-5s", "")
	for _, name := range []string{"e", "error-rate"} {
		flags.Float64Var(&s.mood.ErrorRate, name, 0, "")
	}
	flags.Uint64Var(&s.mood.Seed, "seed", 1, "")
	flags.BoolVar(&s.quiet, "quiet", false, "")
	s.limits = limits.Default()
	s.limits.Flags(flags)
	rest, err := cli.Parse(flags, args)
	if err == nil {
		err = s.limits.Check()
	}
	if err != nil {
		return s, err
	}
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	port := "8001"
	switch {
	case len(rest) > 1:
		return s, fmt.Errorf("there is nothing to do with %q; one port is expected at most",
			rest[1])
	case s.addr != "" && (len(rest) > 0 || given["b"] || given["bind"]):
		return s, errors.New("-addr names the port already; it excludes -b and a port")
	case len(rest) == 1:
		if n, err := strconv.ParseUint(rest[0], 10, 16); err != nil {
			return s, fmt.Errorf("there is no port %q; it must be from 0 to 65535", rest[0])
		} else {
			port = strconv.FormatUint(n, 10)
		}
	}
	if s.addr == "" {
		s.addr = net.JoinHostPort(strings.Trim(bind, "[]"), port)
	}
	if s.mood.MinDelay, s.mood.MaxDelay, err = slowserver.ParseDelay(*delay); err != nil {
		return s, fmt.Errorf("-delay: %w", err)
	}
	if !(s.mood.ErrorRate >= 0 && s.mood.ErrorRate <= 1) {
		return s, fmt.Errorf("-error-rate is %v; it must be from 0 to 1", s.mood.ErrorRate)
	}
	if s.mood.Seed == 0 {
		s.mood.Seed = rand.Uint64()
	}
	s.files, s.close = flagart.Files(), func() error { return nil }
	if root != "" {
		if info, err := os.Stat(root); err != nil {
			return s, fmt.Errorf("-root: %w", err)
		} else if !info.IsDir() {
			return s, fmt.Errorf("-root: %s is no folder", root)
		}
		dir, err := os.OpenRoot(root) // also holds links that lead out of it
		if err != nil {
			return s, fmt.Errorf("-root: %w", err)
		}
		s.files, s.close = dir.FS(), dir.Close
	}
	return s, nil
}

// serve serves until ctx is cancelled, and reports its work.
func serve(ctx context.Context, s settings, std cli.Streams) error {
	server := slowserver.Server{Files: s.files, Mood: s.mood, Limits: &s.limits}
	if !s.quiet {
		server.Log = std.Out
	}
	network, address := cli.Network(s.addr)
	listener, err := server.Listen(ctx, network, address)
	if err != nil {
		return err
	}
	listener.Drain = parting
	url := fmt.Sprintf("http://%s/", listener.Addr())
	if network == "unix" {
		url = s.addr
	}
	fmt.Fprintf(std.Out,
		"Serving on %s, with delays of %v to %v and %.4g %% errors. Ctrl-C ends it.\n",
		url, s.mood.MinDelay, s.mood.MaxDelay, 100*s.mood.ErrorRate)
	err = listener.ServeForever(ctx)
	st := server.Statistics()
	fmt.Fprintf(std.Out, "\n%s answered, up to %d at the same time.\n",
		cli.Count(st.Requests, "request"), st.AtOnce)
	return err
}
