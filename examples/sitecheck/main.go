// Sitecheck asks many websites for their status, one after the other or all at once.
//
//	go run ./examples/sitecheck    ten small sites of its own, both ways
//	go run ./examples/sitecheck https://go.dev https://pkg.go.dev
//	go run ./examples/sitecheck -net    ten real sites
//	go run ./examples/sitecheck -help
//
// check.go checks one site in four steps; survey.go checks many. The rest is what a program needs
// around it.
package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/examples/internal/cli"
)

func main() {
	streams := streams{in: os.Stdin, out: os.Stdout, err: os.Stderr}
	if isTerminal(os.Stderr) {
		streams.progress = os.Stderr
	}
	os.Exit(run(context.Background(), os.Args[1:], streams))
}

// streams are where the program reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
	progress io.Writer // nil without a terminal
}

// The exit codes.
const (
	allAnswered    = cli.OK
	someDidNot     = cli.Failed
	wrongUsage     = cli.BadUsage
	wasInterrupted = cli.Interrupted
)

// run is the whole program, from the command line to the exit code.
func run(ctx context.Context, args []string, std streams) int {
	s, err := parseFlags(args, std.in)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(std.out, usage)
		return allAnswered
	}
	if err != nil {
		fmt.Fprintf(std.err, "sitecheck: %v\nTry sitecheck -help.\n", err)
		return wrongUsage
	}
	p := &program{settings: s, streams: std}
	code, err := cli.Run(ctx, p.main)
	switch {
	case code == cli.Interrupted:
		fmt.Fprintln(std.err, "sitecheck: interrupted:", p.result)
		return code
	case err != nil:
		fmt.Fprintln(std.err, "sitecheck:", cli.Line(err))
		return someDidNot
	case p.result.answered < p.result.sites:
		return someDidNot
	}
	return allAnswered
}

// program is one run.
type program struct {
	settings
	streams
	result counts
}

// main is the main task.
func (p *program) main(ctx context.Context) error {
	s := &survey{
		limit:     p.limit,
		perHost:   p.perHost,
		timeout:   p.timeout,
		retries:   p.retries,
		method:    p.method,
		redirects: p.redirects,
		public:    p.public,
	}
	s.secure = &tls.Config{InsecureSkipVerify: p.insecure}
	if len(p.urls) > 0 {
		return p.single(ctx, s, p.urls)
	}
	if p.net {
		return p.singleOrBoth(ctx, s, realSites, "real sites")
	}
	sites, err := startLocalSites(ctx, tenSites)
	if err != nil {
		return err
	}
	defer sites.close()
	s.secure.RootCAs = sites.roots
	return p.singleOrBoth(ctx, s, sites.urls, "sites on this machine")
}

// singleOrBoth checks the sites in one way if the command line says in which, otherwise in both.
func (p *program) singleOrBoth(ctx context.Context, s *survey, urls []string, what string) error {
	if p.sequential || p.json {
		return p.single(ctx, s, urls)
	}
	return p.compare(ctx, s, urls, what)
}

// single checks the sites in one way and shows the result.
func (p *program) single(ctx context.Context, s *survey, urls []string) error {
	way := s.allAtOnce
	if p.sequential {
		way = s.oneAfterTheOther
	}
	rows, total, err := p.check(ctx, way, urls)
	if p.json {
		if failed := writeJSON(p.out, rows); err == nil {
			err = failed
		}
		return err
	}
	writeTable(p.out, rows)
	if err == nil {
		fmt.Fprintf(p.out, "\n%v, in %s.\n", p.result, seconds(total))
		if len(rows) > 1 {
			writeSummary(p.out, rows, &s.conns)
		}
	}
	return err
}

// compare checks the sites in both ways and shows what that makes of the time.
func (p *program) compare(ctx context.Context, s *survey, urls []string, what string) error {
	fmt.Fprintf(p.out, "%d %s, one after the other:\n\n", len(urls), what)
	first, sequential, err := p.check(ctx, s.oneAfterTheOther, urls)
	writeTable(p.out, first)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "\nThe same, all at once:\n\n")
	rows, concurrent, err := p.check(ctx, s.allAtOnce, urls)
	writeTable(p.out, rows)
	if err != nil {
		return err
	}
	if p.result.answered < p.result.sites || count(first).answered < p.result.sites {
		fmt.Fprintf(p.out, "\nnot all answered, so the times tell nothing\n")
		return nil
	}
	slowest := slices.MaxFunc(rows, func(a, b *row) int { return cmp.Compare(a.took, b.took) })
	fmt.Fprintf(p.out, "\none after the other  %s\nall at once          %s, the slowest site "+
		"alone %s\nthat is              %.1f times as fast\n",
		seconds(sequential), seconds(concurrent), seconds(slowest.took),
		float64(sequential)/float64(max(1, concurrent)))
	return nil
}

// check checks the sites in the given way. It returns the results so far also when it is
// interrupted.
func (p *program) check(
	ctx context.Context, way func(context.Context, []*row) error, urls []string,
) ([]*row, time.Duration, error) {
	rows := newRows(urls)
	clock := aio.RunningLoop(ctx)
	start := clock.Time()
	var err error
	if p.progress != nil {
		err = withProgress(ctx, p.progress, rows, func(ctx context.Context) error {
			return way(ctx, rows)
		})
	} else {
		err = way(ctx, rows)
	}
	p.result = count(rows)
	return rows, clock.Time().Sub(start), err
}
