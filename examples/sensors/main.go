// Sensors shows what thermometers measure: they publish over MQTT, and a page follows them.
//
//	go run ./examples/sensors                  then open http://127.0.0.1:8000
//	go run ./examples/sensors device -broker mqtt://127.0.0.1:1883 attic
//
// broker.go is the broker for those who have none, device.go a thermometer, board.go what is known
// of all of them, site.go the page and its events.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/examples/bridges/mqtt"
	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/limits"
)

const usage = `Sensors shows on a page what thermometers measure. They publish over MQTT.

    sensors [flags]                serve the page
    sensors device [flags] NAME    be a thermometer

    -addr ADDRESS   serve the page on HOST:PORT (default 127.0.0.1:8000; port 0 takes a free one)
    -broker URL     the broker, as mqtt://HOST:PORT or mqtts://HOST:PORT (default: one of its own)
    -mqtt ADDRESS   where its own broker listens (default 127.0.0.1:1883). Anybody who can connect to it
                    may publish.
    -devices N      invent N thermometers (default 3)
    -every TIME     the time between two readings of theirs (default 1s)
    -connections N  serve at most N connections; further ones wait for their turn (default 1000)
    -idle TIME      close a connection whose other side neither sends nor takes anything for that long
                    (default 1m)

device has the flags -broker (default mqtt://127.0.0.1:1883), -every, and -n N to end after N readings.

A thermometer NAME publishes {"celsius":21.5} to sensors/NAME/reading. It keeps "online" in
sensors/NAME/status, where the broker writes "offline" when the thermometer dies.

    /               the page
    /events         its events: one for each change, with the thermometer as JSON

Exit code of a server: 0, also after Ctrl-C or SIGTERM; 1 if nothing can be served; 2 for a mistake in the
command line. Exit code of a device: 0 after N readings; 1 if it cannot go on; 2 for a mistake in the
command line; 130 after Ctrl-C or SIGTERM.
`

// parting is how long connections have when the server ends. Those that listen would stay for ever.
const parting = 100 * time.Millisecond

func main() { os.Exit(run(context.Background(), os.Args[1:], cli.Standard())) }

// options are what the command line says.
type options struct {
	addr, mqtt string
	broker     *url.URL
	devices    int
	every      time.Duration
	bounds     limits.Limits
}

// run is the whole program, from the command line to the exit code.
func run(ctx context.Context, args []string, std cli.Streams) int {
	if len(args) > 0 && args[0] == "device" {
		return runDevice(ctx, args[1:], std)
	}
	o := options{bounds: limits.Default()}
	o.bounds.Idle = time.Minute
	flags := cli.Flags("sensors")
	flags.StringVar(&o.addr, "addr", "127.0.0.1:8000", "")
	flags.StringVar(&o.mqtt, "mqtt", "127.0.0.1:1883", "")
	flags.IntVar(&o.devices, "devices", 3, "")
	flags.DurationVar(&o.every, "every", time.Second, "")
	broker := flags.String("broker", "", "")
	o.bounds.Flags(flags)
	rest, err := cli.Parse(flags, args)
	if err == nil {
		err = cmp.Or(cli.NoArguments(rest), o.bounds.Check(), checkEvery(o.every))
	}
	if err == nil && *broker != "" {
		o.broker, err = parseBroker(*broker)
	}
	if err == nil && (o.devices < 0 || o.devices > mostDevices) {
		err = fmt.Errorf("-devices is %d; it must be 0 to %d", o.devices, mostDevices)
	}
	if err != nil {
		return std.Usage("sensors", usage, err)
	}
	return std.Serve(ctx, "sensors", func(ctx context.Context) error { return serve(ctx, o, std) })
}

func checkEvery(d time.Duration) error {
	if d < time.Millisecond {
		return fmt.Errorf("-every is %v; it must be at least 1ms", d)
	}
	return nil
}

func parseBroker(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "mqtt" && u.Scheme != "mqtts" {
		return nil, errors.New("-broker must look like mqtt://HOST:PORT or mqtts://HOST:PORT")
	}
	return u, nil
}

// serve serves until ctx is cancelled.
func serve(ctx context.Context, o options, std cli.Streams) error {
	if o.broker == nil {
		b, err := startBroker(o.mqtt, o.bounds.Connections)
		if err != nil {
			return err
		}
		defer b.close(ctx)
		o.broker = b.url
		fmt.Fprintf(std.Out, "The broker is %s.\n", o.broker.Redacted())
	}
	b := newBoard()
	server, err := aiohttp.Serve(ctx, "tcp", o.addr, routes(b),
		aiohttp.MaxConnections(o.bounds.Connections), aiohttp.BodyTimeout(o.bounds.Idle),
		func(s *http.Server) { s.IdleTimeout = o.bounds.Idle })
	if err != nil {
		return err
	}
	server.Drain = parting
	fmt.Fprintf(std.Out, "Serving on %s. Ctrl-C ends it.\n", server.URL())
	err = aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
		ready := aio.NewFuture[aio.None](ctx)
		g.Go(func(ctx context.Context) error {
			return b.listen(ctx, o.broker, func() { _ = ready.SetResult(aio.None{}) })
		}, aio.Name("listener"))
		g.Go(func(ctx context.Context) error {
			if _, err := ready.Await(ctx); err != nil {
				return err
			}
			return aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
				for i := range o.devices {
					d := device{name: fmt.Sprintf("room-%d", i+1), broker: o.broker, every: o.every}
					g.Go(d.run, aio.Name(d.name))
				}
				return nil
			})
		})
		return server.ServeForever(ctx)
	})
	if errors.Is(err, aio.ErrCancelled) {
		fmt.Fprintf(std.Out, "\nThe board had %s.\n", cli.Count(b.readings, "reading"))
	}
	return err
}

// withClient connects to a broker and calls fn.
func withClient(
	ctx context.Context, config clientConfig, fn func(ctx context.Context, c *mqtt.Client) error,
) error {
	c, err := mqtt.Dial(ctx, config)
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	return fn(ctx, c)
}
