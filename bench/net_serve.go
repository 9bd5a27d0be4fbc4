package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
)

// Messages of the parent to a child process in the suite net.
const (
	serverEnv  = "AIO_BENCH_SERVER"  // which contestant it is
	certEnv    = "AIO_BENCH_CERT"    // the PEM file with its certificate
	keyEnv     = "AIO_BENCH_KEY"     // and the one with the key
	profileEnv = "AIO_BENCH_PROFILE" // how the name of a CPU profile begins; empty: none
)

// A netServer serves on a free port of the loopback until ctx is done. It
// calls started once it accepts.
type netServer func(ctx context.Context, started func(net.Addr)) error

// netServers are the contestants of the suite net that this program runs in a
// child process of its own executable: a server for each work.
var netServers = map[string]map[string]netServer{
	"aio":        aioServers,
	"net":        plainServers,
	"gnet":       gnetServers(false),
	"gnet_multi": gnetServers(true),
	"fasthttp":   fasthttpServers,
	"coder":      coderServers,
}

const (
	// bufferSize is what a contestant that reads into a buffer of its own
	// gives each connection. Where memory is measured, it has room for one
	// request and no more.
	bufferSize  = 4 << 10
	requestSize = 1 << 10
)

// serveNetIfContestant turns this process into a server and does not return,
// if its parent started it as one.
func serveNetIfContestant() {
	name := os.Getenv(serverEnv)
	if name == "" {
		return
	}
	ignoreInterrupt()
	if err := serveNet(name, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// serveNet is the contestant's side of the protocol, which net_rival.py and the
// tokio program follow too. It greets with
//
//	ready <version> <work,work,...>
//
// reads one line, the name of a work, and answers with the port it serves that
// work on. It ends with its input.
func serveNet(name string, in io.Reader, out io.Writer) error {
	servers, version := netServers[name], versions[name]
	if version == "" {
		version = runtime.Version()
	}
	fmt.Fprintf(out, "ready %s %s\n", version, strings.Join(slices.Sorted(maps.Keys(servers)), ","))
	requests := bufio.NewScanner(in)
	if !requests.Scan() {
		return requests.Err()
	}
	serve, ok := servers[requests.Text()]
	if !ok {
		return fmt.Errorf("no work %q", requests.Text())
	}
	if prefix := os.Getenv(profileEnv); prefix != "" {
		stopProfile, err := startProfile(prefix + "-" + name + ".pprof")
		if err != nil {
			return err
		}
		defer stopProfile()
	}
	if strings.HasPrefix(requests.Text(), "idle_memory") {
		collectOnSignal()
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() {
		for requests.Scan() { // until the input ends
		}
		stop()
	}()
	err := serve(ctx, func(addr net.Addr) {
		_, port, _ := net.SplitHostPort(addr.String())
		fmt.Fprintln(out, port)
	})
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// startProfile writes a CPU profile until stop is called.
func startProfile(path string) (stop func(), err error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		f.Close()
		return nil, err
	}
	return func() {
		pprof.StopCPUProfile()
		f.Close()
	}, nil
}

// serverTLS is the configuration of every Go server: TLS 1.3 alone.
func serverTLS() (*tls.Config, error) {
	cert, err := tls.LoadX509KeyPair(os.Getenv(certEnv), os.Getenv(keyEnv))
	if err != nil {
		return nil, err
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS13}, nil
}
