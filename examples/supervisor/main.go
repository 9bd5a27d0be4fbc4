// Supervisor runs services that fail, and starts them again by the rules that Erlang's supervisors
// made known: alone, all together, or with those that depend on them; and not too often.
//
//	go run ./examples/supervisor
//	go run ./examples/supervisor -strategy rest-for-one
//	go run ./examples/supervisor -flaky            one that never works: the supervisor gives up
//	go run ./examples/supervisor -help
//
// supervisor.go is what you may want to copy; services.go has the services of the demonstration.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/clock"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], cli.Standard()))
}

// event is something that happened to a service, as it is printed in JSON.
type event struct {
	Seconds float64 `json:"seconds"`
	Service string  `json:"service"`
	Event   string  `json:"event"`
	Error   string  `json:"error,omitempty"`
}

// run is the whole program, from the command line to the exit code.
func run(ctx context.Context, args []string, std cli.Streams) int {
	s, err := parseFlags(args)
	if err != nil {
		return std.Usage("supervisor", usage, err)
	}
	c := clock.New(s.real)
	began := c.Now()
	var failed error // of the output
	super := &supervisor{
		strategy: s.strategy, restarts: s.restarts, within: s.within, pause: s.pause,
		services: services(s.flaky),
		tell: func(name, what string, err error) {
			e := event{c.Now().Sub(began).Seconds(), name, what, ""}
			if err != nil {
				e.Error = cli.Line(err)
			}
			failed = cmp.Or(failed, e.write(std, s.json))
		},
	}
	err = cli.Loop(ctx, func(ctx context.Context) error {
		err := aio.Timeout(ctx, s.duration, super.run)
		if timeout, ok := errors.AsType[*aio.TimeoutError](err); ok && ctx.Err() == nil &&
			timeout.After == s.duration {
			return nil // the demonstration is over
		}
		return err
	}, aio.WithClock(c))
	switch code := cli.Code(ctx, err); {
	case code == cli.Interrupted:
		fmt.Fprintln(std.Err, "supervisor: interrupted; all services have ended")
		return code
	case err != nil:
		return std.Fail("supervisor", err)
	case failed != nil:
		return std.Fail("supervisor", failed)
	}
	return cli.OK
}

func (e event) write(std cli.Streams, json bool) error {
	if json {
		return cli.WriteJSON(std.Out, e)
	}
	text := fmt.Sprintf("%5.1f s  %-9s %s", e.Seconds, e.Service, e.Event)
	if e.Error != "" {
		text += ": " + e.Error
	}
	_, err := fmt.Fprintln(std.Out, text)
	return err
}
