package main

import (
	"runtime"
	"strings"
	"time"
)

// The units of the suite net.
const (
	cpuPerRequest  = "cpu_us/req" // microseconds of the server's CPU time
	bytesPerConn   = "bytes/conn"
	connsPerSecond = "conns/s" // the one unit of which more is better
)

// netSuite measures servers under load from outside.
var netSuite = suite{
	works: netWorks(),
	rivals: []string{"net", "gnet", "gnet_multi", "tokio", "uvloop", "asyncio", "fasthttp",
		"coder"},
	procs:      []int{runtime.NumCPU()},
	rounds:     5,
	roundTime:  500 * time.Millisecond,
	newEntrant: newNetEntrant,
	prepare:    prepareNet,
}

const (
	idleConns    = 10_000 // of the works idle_memory
	connectConns = 32     // under way at a time in the work connect
)

// httpConns are the kept connections of the works on HTTP.
var httpConns = []int{1, 64, 1000}

// netWorks are the works of the suite. A work has a row for each number of
// connections.
func netWorks() []work {
	var works []work
	for _, conns := range []int{10, 100, 1000} {
		works = append(works, work{
			name: "echo_protocol", unit: cpuPerRequest, load: "echo", conns: conns,
			about: "1 KiB there and back, callbacks", baselineIs: "a goroutine a connection",
		})
	}
	for _, conns := range []int{10, 100, 1000} {
		works = append(works, work{
			name: "echo_stream", unit: cpuPerRequest, load: "echo", conns: conns,
			about:      "1 KiB there and back, a task a connection",
			baselineIs: "a goroutine a connection",
		})
	}
	for _, conns := range []int{10, 100, 1000} {
		works = append(works, work{
			name: "echo_tls", unit: cpuPerRequest, load: "tls", conns: conns,
			about: "the same over TLS 1.3", baselineIs: "a goroutine a connection, crypto/tls",
		})
	}
	works = append(works,
		work{
			name: "idle_memory_protocol", unit: bytesPerConn, load: "idle",
			conns: idleConns, fresh: true,
			about:      "memory of a connection after one request, callbacks",
			baselineIs: "a goroutine a connection",
			aims:       []aim{{max: 500}},
		},
		work{
			name: "idle_memory_stream", unit: bytesPerConn, load: "idle",
			conns: idleConns, fresh: true,
			about:      "memory of a connection after one request, a task a connection",
			baselineIs: "a goroutine a connection",
			aims:       []aim{{max: 3600}},
		},
		work{
			name: "sparse", unit: cpuPerRequest, load: "sparse", conns: 1,
			about: "1 KiB there and back, once in 5 ms", baselineIs: "a goroutine a connection",
			aims: []aim{{max: 25}},
		},
		work{
			name: "connect", unit: connsPerSecond, load: "connect", conns: connectConns,
			about: "a connection accepted and closed again; " +
				"more is better", baselineIs: "a goroutine a connection",
		})
	for _, conns := range httpConns {
		works = append(works, work{
			name: "http_server", unit: cpuPerRequest, load: "http_greeting", conns: conns,
			about: "HTTP/1.1, hello world", baselineIs: "net/http",
		})
	}
	for _, conns := range httpConns {
		works = append(works, work{
			name: "http_body_post", unit: cpuPerRequest, load: "http_post", conns: conns,
			about: "HTTP/1.1, a body of 20 kB copied away", baselineIs: "net/http",
		})
	}
	for _, conns := range httpConns {
		works = append(works, work{
			name: "http_body_get", unit: cpuPerRequest, load: "http_get", conns: conns,
			about: "HTTP/1.1, an answer of 200 kB", baselineIs: "net/http",
		})
	}
	for _, conns := range httpConns {
		works = append(works, work{
			name: "http_client", unit: cpuPerRequest, load: "http_client", conns: conns,
			about: "HTTP/1.1, a client of hello world", baselineIs: "net/http",
		})
	}
	for _, conns := range []int{10, 100, 1000} {
		works = append(works, work{
			name: "websocket", unit: cpuPerRequest, load: "websocket", conns: conns,
			about: "what one says over a WebSocket goes to all, 120 bytes; " +
				"a request is a delivery",
			baselineIs: "gorilla/websocket, two goroutines a connection",
		})
	}
	works = append(works, work{
		name: "idle_memory_websocket", unit: bytesPerConn, load: "websocket_idle",
		conns: idleConns, fresh: true,
		about:      "memory of a WebSocket in a room, after one message to all",
		baselineIs: "gorilla/websocket, two goroutines a connection",
	})
	for _, conns := range []int{10, 100, 1000} {
		works = append(works, work{
			name: "sse", unit: cpuPerRequest, load: "events", conns: conns,
			about:      "a server-sent event goes to all, 120 bytes; a request is a delivery",
			baselineIs: "net/http",
		})
	}
	for i := range works {
		works[i].baseline = "net"
		works[i].aims = append(works[i].aims, netAims[works[i].key()]...)
	}
	return works
}

// netAims are the ratios aio is meant to keep.
var netAims = map[string][]aim{
	"echo_protocol/100": {{max: 1.06, rival: "tokio"}},
	"echo_stream/100": {{max: 0.78, rival: "net"}, {max: 0.75, rival: "uvloop"},
		{max: 0.65, rival: "asyncio"}},
	"echo_stream/1000": {{max: 0.88, rival: "net"}},
	"echo_tls/100":     {{max: 0.95, rival: "net"}},

	"http_server/1":       {{max: 0.50, rival: "net"}},
	"http_server/64":      {{max: 0.72, rival: "net"}, {max: 1.10, rival: "fasthttp"}},
	"http_server/1000":    {{max: 0.75, rival: "net"}},
	"http_body_post/1":    {{max: 1.0, rival: "net"}},
	"http_body_post/64":   {{max: 1.0, rival: "net"}},
	"http_body_post/1000": {{max: 1.0, rival: "net"}},
	"http_body_get/1":     {{max: 1.0, rival: "net"}},
	"http_body_get/64":    {{max: 1.0, rival: "net"}},
	"http_body_get/1000":  {{max: 1.0, rival: "net"}},
	"http_client/1":       {{max: 0.75, rival: "net"}},
	"http_client/64":      {{max: 0.75, rival: "net"}},
	"http_client/1000":    {{max: 0.75, rival: "net"}},

	"websocket/1000":              {{max: 0.80, rival: "net"}, {max: 0.80, rival: "coder"}},
	"idle_memory_websocket/10000": {{max: 0.80, rival: "net"}, {max: 0.80, rival: "coder"}},
	"sse/1000":                    {{max: 0.90, rival: "net"}},
}

// netLacks says why a contestant does not do a work of the suite.
var netLacks = map[string]string{
	"gnet/echo_stream":              gnetStreams,
	"gnet/idle_memory_stream":       gnetStreams,
	"gnet/echo_tls":                 "gnet has no TLS",
	"gnet_multi/echo_stream":        gnetStreams,
	"gnet_multi/idle_memory_stream": gnetStreams,
	"gnet_multi/echo_tls":           "gnet has no TLS",
	"tokio/echo_tls":                "tokio has no TLS of its own",
}

// noHTTP are the libraries of connections.
var noHTTP = []string{"gnet", "gnet_multi", "tokio", "uvloop", "asyncio"}

// Libraries of connections have no HTTP, and fasthttp has nothing else.
func init() {
	for _, w := range netWorks() {
		if w.name == "sse" || strings.HasSuffix(w.name, "websocket") {
			for _, rival := range append([]string{"fasthttp"}, noHTTP...) {
				netLacks[rival+"/"+w.name] = rival + " has none of its own"
			}
			if w.name == "sse" {
				netLacks["coder/sse"] = "coder has WebSockets alone"
			}
			continue
		}
		netLacks["coder/"+w.name] = "coder has WebSockets alone"
		if strings.HasPrefix(w.name, "http_") {
			for _, rival := range noHTTP {
				netLacks[rival+"/"+w.name] = rival + " has no HTTP of its own"
			}
		} else {
			netLacks["fasthttp/"+w.name] = "fasthttp has HTTP alone"
		}
	}
}

const gnetStreams = "gnet has callbacks, and nothing like streams"

// newNetEntrant returns the contestant of a name.
func newNetEntrant(name string) *entrant {
	switch name {
	case "asyncio", "uvloop":
		return netPythonEntrant(name)
	case "tokio":
		return netTokioEntrant()
	default:
		return &entrant{name: name, command: childCommand(serverEnv, name), collects: true}
	}
}
