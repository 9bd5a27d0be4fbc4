// Soak keeps a server busy with clients of all kinds, well-behaved and not. Then it measures what
// is left when they have gone: memory, tasks, descriptors, goroutines.
//
//	go run ./examples/soak               a minute of it
//	go run ./examples/soak -for 10m -clients 200
//	go run ./examples/soak -help
//
// server.go is the server, visits.go the actions of clients, load.go the clients and their
// cancellations, gauge.go the measurements.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/examples/internal/cli"
)

const usage = `Soak keeps a server busy with clients of all kinds, some of which are cancelled, leave without a word
or reset their connections. Before and after, with everybody gone, it measures what the process holds:
nothing may have been left behind.

    soak [flags]

    -for DURATION      how long the load lasts, a sixth of which is to warm up (default 60s)
    -visits N          end after so many visits instead, a sixth of which are to warm up (default 0: go by time)
    -clients N         how many visitors there are at a time (default 50)
    -growth PERCENT    how much more memory may be in use in the end (default 10)
    -seed N            another seed, another choice of visits; 0 takes a different one each time (default 1)
    -json              print the result as JSON

Memory is what is in use of heap and stacks after a garbage collection. The resident memory of the
process is shown as well, where the system tells it, but Go gives it back as it sees fit. With fewer than
1000 visits the warm-up is too short to tell, and memory may seem to grow.

Exit code: 0 if nothing was left behind and every visit went as it should; 1 if not; 2 for a mistake in
the command line; 130 after Ctrl-C or SIGTERM.
`

func main() { os.Exit(run(context.Background(), os.Args[1:], cli.Standard())) }

// settings are what the command line says.
type settings struct {
	duration time.Duration
	visits   int // 0: go by duration
	clients  int
	growth   float64 // in percent
	seed     uint64
	json     bool
}

func parseFlags(args []string) (settings, error) {
	var s settings
	flags := cli.Flags("soak")
	flags.DurationVar(&s.duration, "for", time.Minute, "")
	flags.IntVar(&s.visits, "visits", 0, "")
	flags.IntVar(&s.clients, "clients", 50, "")
	flags.Float64Var(&s.growth, "growth", 10, "")
	flags.Uint64Var(&s.seed, "seed", 1, "")
	flags.BoolVar(&s.json, "json", false, "")
	rest, err := cli.Parse(flags, args)
	if err == nil {
		err = cli.NoArguments(rest)
	}
	switch {
	case err != nil:
		return s, err
	case s.duration <= 0:
		return s, fmt.Errorf("-for is %v; it must be positive", s.duration)
	case s.visits < 0:
		return s, fmt.Errorf("-visits is %d; it must not be negative", s.visits)
	case s.clients < 1:
		return s, fmt.Errorf("-clients is %d; it must be at least 1", s.clients)
	case !(s.growth >= 0):
		return s, fmt.Errorf("-growth is %v; it must not be negative", s.growth)
	}
	if s.seed == 0 {
		s.seed = rand.Uint64()
	}
	return s, nil
}

// run is the whole program, from the command line to the exit code.
func run(ctx context.Context, args []string, std cli.Streams) int {
	s, err := parseFlags(args)
	if err != nil {
		return std.Usage("soak", usage, err)
	}
	soak := &soak{settings: s, std: std, tally: newTally()}
	code, err := cli.Run(ctx, soak.main, aio.WithExceptionHandler(soak.tally.report))
	switch {
	case code == cli.Interrupted:
		fmt.Fprintf(std.Err, "soak: interrupted after %s, %d of them cancelled; "+
			"nothing was compared\n",
			cli.Count(soak.tally.visits(), "visit"), soak.tally.Cancelled)
		for _, problem := range soak.tally.problems() {
			fmt.Fprintln(std.Err, "PROBLEM:", cli.Printable(problem))
		}
		return code
	case err != nil:
		return std.Fail("soak", err)
	}
	return soak.conclude()
}

// soak is one run of the program.
type soak struct {
	settings
	std    cli.Streams
	tally  *tally
	result result
}

// result is what a run found, and what -json prints.
type result struct {
	Seconds  float64  `json:"seconds"`
	Seed     uint64   `json:"seed"`
	Tally    *tally   `json:"tally"`
	Before   gauge    `json:"before"`
	After    gauge    `json:"after"`
	Problems []string `json:"problems"` // none if all is well
}

// main warms up, measures, lets the load go on, and measures again.
func (s *soak) main(ctx context.Context) error {
	server, err := listen(ctx)
	if err != nil {
		return err
	}
	defer server.Close()
	load := &load{
		address: server.Addrs()[0].String(),
		secure:  server.clientTLS,
		clients: s.clients,
		rng:     rand.New(rand.NewPCG(s.seed, 0)),
		tally:   s.tally,
	}
	if !s.json {
		third := ""
		if s.clients == 1 {
			third = "s"
		}
		fmt.Fprintf(s.std.Out, "%s visit%s a server, %s, the first sixth of it to warm up. Seed "+
			"%d.\n\n", cli.Count(s.clients, "client"), third, s.extent(), s.seed)
	}
	began := aio.RunningLoop(ctx).Time()
	const warmUp = 6
	watched(ctx, s, "warming up", func() {
		err = load.run(ctx, s.duration/warmUp, s.visits/warmUp)
	})
	if err != nil {
		return err
	}
	if s.result.Before, err = server.quiet(ctx); err != nil {
		return err
	}
	watched(ctx, s, "load", func() {
		err = load.run(ctx, s.duration-s.duration/warmUp, s.visits-s.visits/warmUp)
	})
	if err != nil {
		return err
	}
	if s.result.After, err = server.quiet(ctx); err != nil {
		return err
	}
	s.result.Seconds = aio.RunningLoop(ctx).Time().Sub(began).Seconds()
	return nil
}

// extent says how long the load lasts.
func (s *settings) extent() string {
	if s.visits > 0 {
		return cli.Count(s.visits, "time")
	}
	return "for " + s.duration.String()
}

// watched calls fn with a task beside it that shows on a terminal how far it is.
func watched(ctx context.Context, s *soak, what string, fn func()) {
	if s.std.Progress != nil {
		began := aio.RunningLoop(ctx).Time()
		line := aio.Start(ctx, func(ctx context.Context) error {
			for {
				took := aio.RunningLoop(ctx).Time().Sub(began).Round(time.Second)
				fmt.Fprintf(s.std.Progress, "\r\x1b[K%s, %v: %s",
					what, took, cli.Count(s.tally.visits(), "visit"))
				if err := aio.Sleep(ctx, time.Second/4); err != nil {
					return err
				}
			}
		}, aio.Name("progress"))
		defer func() {
			line.Cancel(nil)
			fmt.Fprint(s.std.Progress, "\r\x1b[K")
		}()
	}
	fn()
}

// conclude says what came of it and returns the exit code.
func (s *soak) conclude() int {
	r := &s.result
	r.Seed, r.Tally = s.seed, s.tally
	r.Problems = append(s.tally.problems(), compare(r.Before, r.After, s.growth)...)
	if s.json {
		encoder := json.NewEncoder(s.std.Out)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(r); err != nil {
			return s.std.Fail("soak", err)
		}
	} else {
		s.print()
	}
	if len(r.Problems) > 0 {
		return cli.Failed
	}
	return cli.OK
}

func (s *soak) print() {
	r := s.result
	fmt.Fprintf(s.std.Out, "%s in %.1f s, %d of them cancelled half-way:\n\n",
		cli.Count(s.tally.visits(), "visit"), r.Seconds, s.tally.Cancelled)
	for _, v := range visits {
		fmt.Fprintf(s.std.Out, "  %-10s %7d  %s\n", v.name, s.tally.Visits[v.name], v.about)
	}
	fmt.Fprintf(s.std.Out, "\nWith everybody gone:   before      after\n\n")
	for _, m := range measures {
		fmt.Fprintf(s.std.Out, "  %-16s %10s %10s\n",
			m.name, m.show(m.of(r.Before)), m.show(m.of(r.After)))
	}
	fmt.Fprintln(s.std.Out)
	if len(r.Problems) == 0 {
		fmt.Fprintln(s.std.Out, "Nothing was left behind.")
	}
	for _, problem := range r.Problems {
		fmt.Fprintln(s.std.Out, "PROBLEM:", cli.Printable(problem))
	}
}
