// Echo sends back the bytes that it receives: the smallest server, in the two forms that a server
// can have.
//
//	go run ./examples/echo                              streams, on port 7007
//	go run ./examples/echo -form protocol -tls
//
// stream.go has a task for each connection, protocol.go callbacks.
package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/examples/internal/certs"
	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/limits"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

const usage = `Echo sends back whatever it is sent.

    echo [flags]

    -addr ADDRESS   listen on HOST:PORT, or on unix:PATH, to which only you can connect
                    (default 127.0.0.1:7007; port 0 takes a free one)
    -form FORM      stream: a task for each connection, or protocol: callbacks (default stream)
    -tls            secure the connections, with a certificate made for the occasion
    -cert FILE      secure them with this certificate, and
    -key FILE       its key, both in PEM
` + limits.Help + `
Ctrl-C ends the server and prints how much was echoed.

Exit code: 0, also after Ctrl-C or SIGTERM; 1 if nothing can be served; 2 for a mistake in the command line.
`

func main() { os.Exit(run(context.Background(), os.Args[1:], cli.Standard())) }

// run is the whole program, from the command line to the exit code.
func run(ctx context.Context, args []string, std cli.Streams) int {
	s, err := parseFlags(args)
	if err != nil {
		return std.Usage("echo", usage, err)
	}
	return std.Serve(ctx, "echo", func(ctx context.Context) error { return serve(ctx, s, std) })
}

// settings are what the command line says.
type settings struct {
	addr, form string
	secure     *tls.Config // nil: plain connections
	limits     limits.Limits
}

func parseFlags(args []string) (settings, error) {
	var s settings
	flags := cli.Flags("echo")
	flags.StringVar(&s.addr, "addr", "127.0.0.1:7007", "")
	flags.StringVar(&s.form, "form", "stream", "")
	secure := flags.Bool("tls", false, "")
	cert := flags.String("cert", "", "")
	key := flags.String("key", "", "")
	s.limits = limits.Default()
	s.limits.Flags(flags)
	rest, err := cli.Parse(flags, args)
	if err == nil {
		err = cmp.Or(cli.NoArguments(rest), s.limits.Check())
	}
	switch {
	case err != nil:
		return s, err
	case s.form != "stream" && s.form != "protocol":
		return s, fmt.Errorf("-form is %q; it must be stream or protocol", s.form)
	case (*cert == "") != (*key == ""):
		return s, errors.New("-cert and -key belong together")
	case *cert == "" && !*secure:
		return s, nil
	}
	certificate, err := loadCertificate(*cert, *key)
	if err != nil {
		return s, err
	}
	s.secure = &tls.Config{Certificates: []tls.Certificate{certificate}}
	return s, nil
}

func loadCertificate(cert, key string) (tls.Certificate, error) {
	if cert == "" {
		made, _, err := certs.SelfMade()
		return made, err
	}
	loaded, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return loaded, fmt.Errorf("-cert: %w", err)
	}
	return loaded, nil
}

// parting is how long the connections have to take their echo when the server ends.
const parting = time.Second

// serve serves until ctx is cancelled.
func serve(ctx context.Context, s settings, std cli.Streams) error {
	network, address := cli.Network(s.addr)
	var opts []transport.Option
	if s.secure != nil {
		opts = append(opts, transport.TLS(s.secure))
	}
	st := statistics{limits: &s.limits}
	var server *transport.Server
	var err error
	if s.form == "stream" {
		server, err = stream.Serve(ctx, network, address, s.limits.Handler(st.echo), opts...)
	} else {
		server, err = transport.Listen(ctx, network, address,
			func() transport.Protocol { return &echoer{st: &st} }, opts...)
	}
	if err != nil {
		return err
	}
	if network == "tcp" {
		s.addr = server.Addrs()[0].String()
	}
	secured := ""
	if s.secure != nil {
		secured = " over TLS"
	}
	fmt.Fprintf(std.Out, "Echoing on %s%s, as %s. Ctrl-C ends it.\n", s.addr, secured, s.form)
	err = server.ServeForever(ctx)
	server.CloseClients()
	goodbye, cancel := aio.WithTimeout(context.WithoutCancel(ctx), parting)
	defer cancel()
	// clients that do not take their echo in time are dropped with the loop
	server.WaitClosed(goodbye)
	fmt.Fprintf(std.Out, "\n%s, up to %d at the same time; %s echoed.\n",
		cli.Count(st.connections, "connection"), st.most, size(st.bytes))
	return err
}

// statistics is what the server has done. It belongs to the loop.
type statistics struct {
	limits                 *limits.Limits
	connections, now, most int
	bytes                  int64
}

func (st *statistics) enter() {
	st.connections++
	st.now++
	st.most = max(st.most, st.now)
}

func (st *statistics) leave() { st.now-- }

// size writes a number of bytes as people read it.
func size(n int64) string {
	for _, unit := range []struct {
		bytes int64
		name  string
	}{{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if n >= unit.bytes {
			return fmt.Sprintf("%.1f %s", float64(n)/float64(unit.bytes), unit.name)
		}
	}
	return cli.Count(n, "byte")
}
