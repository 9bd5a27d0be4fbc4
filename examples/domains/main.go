// Domains looks for domains that are made of the keywords of Go, all at once.
//
//	go run ./examples/domains             with a name server of its own
//	go run ./examples/domains dev com.br  with the system's: real domains
//
// probe.go asks for names; names.go makes them; nameserver.go is the other end, for a machine
// without a network.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/examples/internal/cli"
)

const usage = `Domains asks for domains that are made of the keywords of Go, all at once, and prints the answers as they
come.

    domains                  ask a name server of its own, on this machine, about names under dev: its
                             answers are made up, and nothing leaves the machine
    domains [flags] TLD...   ask the system's name servers about real names: go.dev, map.dev

    -max N           only keywords of at most N letters (default 4)
    -dns HOST:PORT   ask this name server
    -local           ask the one of its own
    -limit N         ask for at most N names at the same time (default 50)
    -timeout TIME    wait that long for an answer: 500ms, 5s (default 5s)
    -marks           one column, with a + before what was found
    -json            one JSON object for each name: domain, found, error, milliseconds

A domain is found if it has an address.

Exit code: 0 if there is an answer for every name, 1 if not, 2 for a mistake in the command line, 130
after Ctrl-C or SIGTERM.
`

func main() { os.Exit(run(context.Background(), os.Args[1:], cli.Standard())) }

// run is the whole program, from the command line to the exit code.
func run(ctx context.Context, args []string, std cli.Streams, opts ...aio.Option) int {
	s, err := parseFlags(args)
	if err != nil {
		return std.Usage("domains", usage, err)
	}
	p := &program{settings: s, out: std.Out}
	code, err := cli.Run(ctx, p.main, opts...)
	switch {
	case code == cli.Interrupted:
		fmt.Fprintf(std.Err, "domains: interrupted: %d of %d names asked for, %d found\n",
			p.found+p.notFound+len(p.unknown), len(p.domains), p.found)
		return code
	case err != nil:
		return std.Fail("domains", err)
	case len(p.unknown) > 0:
		return cli.Failed
	}
	return cli.OK
}

// settings are what the command line says.
type settings struct {
	domains []string
	dns     string // the name server; "": the system's
	local   bool
	limit   int
	timeout time.Duration
	marks   bool
	json    bool
}

func parseFlags(args []string) (settings, error) {
	var s settings
	flags := cli.Flags("domains")
	longest := flags.Int("max", 4, "")
	flags.StringVar(&s.dns, "dns", "", "")
	flags.BoolVar(&s.local, "local", false, "")
	flags.IntVar(&s.limit, "limit", 50, "")
	flags.DurationVar(&s.timeout, "timeout", 5*time.Second, "")
	flags.BoolVar(&s.marks, "marks", false, "")
	flags.BoolVar(&s.json, "json", false, "")
	tlds, err := cli.Parse(flags, args)
	switch {
	case err != nil:
		return s, err
	case *longest < 2:
		return s, fmt.Errorf("-max is %d; the shortest keywords have 2 letters", *longest)
	case s.limit < 1:
		return s, fmt.Errorf("-limit is %d; it must be at least 1", s.limit)
	case s.timeout <= 0:
		return s, fmt.Errorf("-timeout is %v; it must be more than 0", s.timeout)
	case s.dns != "" && s.local:
		return s, errors.New("-dns and -local exclude each other")
	}
	if s.dns != "" {
		if _, _, err := net.SplitHostPort(s.dns); err != nil {
			return s, fmt.Errorf("-dns is %q; it must be HOST:PORT, as in 127.0.0.1:53", s.dns)
		}
	}
	if len(tlds) == 0 {
		tlds = []string{"dev"}
		s.local = s.dns == ""
	}
	for _, tld := range tlds {
		more, err := domainsOf(tld, *longest)
		if err != nil {
			return s, err
		}
		s.domains = append(s.domains, more...)
	}
	return s, nil
}

// program is one run.
type program struct {
	settings
	out      io.Writer
	found    int
	notFound int
	unknown  []result
}

// main is the main task.
func (p *program) main(ctx context.Context) error {
	lookup := systemLookup
	if p.local {
		server, err := startNameserver(ctx)
		if err != nil {
			return err
		}
		defer server.Close()
		p.dns = server.addr()
	}
	if p.dns != "" {
		lookup = lookupAt(p.dns)
	}
	width := 0
	for _, domain := range p.domains {
		width = max(width, len(domain))
	}
	if !p.json && !p.marks {
		fmt.Fprintf(p.out, "%-*s  NOT FOUND\n%-*s  =========\n", width, "FOUND", width, "=====")
	}
	clock := aio.RunningLoop(ctx)
	began := clock.Time()
	prober := prober{lookup: lookup, limit: p.limit, timeout: p.timeout}
	for r, err := range prober.multiProbe(ctx, p.domains) {
		if err != nil {
			return err
		}
		p.count(r)
		if err := p.show(r, width); err != nil {
			return err
		}
	}
	if !p.json {
		p.summary(clock.Time().Sub(began))
	}
	return nil
}

func (p *program) count(r result) {
	switch {
	case r.err != nil:
		p.unknown = append(p.unknown, r)
	case r.found:
		p.found++
	default:
		p.notFound++
	}
}

// show prints an answer when it has come.
func (p *program) show(r result, width int) error {
	switch {
	case p.json:
		why := ""
		if r.err != nil {
			why = reason(r.err)
		}
		return cli.WriteJSON(p.out, struct {
			Domain       string  `json:"domain"`
			Found        bool    `json:"found"`
			Error        string  `json:"error"` // why that is not known, "" if it is
			Milliseconds float64 `json:"milliseconds"`
		}{r.domain, r.found, why, math.Round(r.took.Seconds()*1e4) / 10})
	case r.err != nil: // listed at the end
	case p.marks:
		mark := " "
		if r.found {
			mark = "+"
		}
		fmt.Fprintln(p.out, mark, r.domain)
	case r.found:
		fmt.Fprintln(p.out, r.domain)
	default:
		fmt.Fprintf(p.out, "%-*s  %s\n", width, "", r.domain)
	}
	return nil
}

// summary prints what the columns do not tell.
func (p *program) summary(took time.Duration) {
	server := cmp.Or(p.dns, "the system's name servers")
	if p.local {
		server = "a name server of its own, whose answers are made up"
	}
	fmt.Fprintf(p.out, "\n%d of %d found in %.2f s, by %s\n",
		p.found, len(p.domains), took.Seconds(), server)
	for _, r := range p.unknown {
		fmt.Fprintf(p.out, "not known: %s: %s\n", r.domain, reason(r.err))
	}
}
