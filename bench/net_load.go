package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// loadEnv makes a child process of this program the load generator. It has a loadSpec in JSON.
const loadEnv = "AIO_BENCH_LOAD"

// A loadSpec is one round of load on a server, for the load generator.
type loadSpec struct {
	Kind   string        // one of loads
	Port   int           // of the server, on 127.0.0.1
	PID    int           // of the server
	Conns  int           // connections
	Warm   time.Duration // load before the measurement
	Window time.Duration // the measurement
	Round  int           // chooses the source address of kind connect
	// whether the server collects its garbage when it gets settleSignal; kind idle only
	Settle bool
}

// A loadResult is what the load generator found out.
type loadResult struct {
	Ops     int           // requests answered, or connections made and closed
	Elapsed time.Duration // the measurement took
	CPU     time.Duration // used by the server meanwhile
	Memory  int64         // bytes by which the server has grown; kind idle only
	Others  float64       // CPUs that everything else on the machine used meanwhile
}

// cpuPerOp is the server's CPU time of one operation, in microseconds.
func (r loadResult) cpuPerOp() float64 {
	return float64(r.CPU) / float64(time.Microsecond) / float64(r.Ops)
}

// perSecond is the number of operations in a second.
func (r loadResult) perSecond() float64 { return float64(r.Ops) / r.Elapsed.Seconds() }

// stalled is how long the load generator waits for a server that does nothing.
const stalled = 10 * time.Second

// The kinds of load.
var loads = map[string]func(loadSpec) (loadResult, error){
	"echo":    loadEcho,
	"tls":     loadTLS,
	"sparse":  loadSparse,
	"connect": loadConnect,
	"idle":    loadIdle,

	"http_greeting": loadHTTPGreeting,
	"http_post":     loadHTTPPost,
	"http_get":      loadHTTPGet,
	"http_client":   loadHTTPClient,

	"websocket":      loadWebSocket,
	"websocket_idle": loadWebSocketIdle,
	"events":         loadEvents,
}

// loadIfGenerator turns this process into the load generator and does not
// return, if its parent started it as that.
func loadIfGenerator() {
	text := os.Getenv(loadEnv)
	if text == "" {
		return
	}
	ignoreInterrupt()
	var spec loadSpec
	err := json.Unmarshal([]byte(text), &spec)
	if err == nil {
		var result loadResult
		if result, err = loads[spec.Kind](spec); err == nil {
			err = json.NewEncoder(os.Stdout).Encode(result)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// runLoad does one round of load in a child process: the same for every
// server, and apart from the program that waits for it.
func runLoad(ctx context.Context, spec loadSpec) (loadResult, error) {
	text, err := json.Marshal(spec)
	if err != nil {
		return loadResult{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, roundTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, self())
	cmd.Env = append(os.Environ(), loadEnv+"="+string(text), "GOGC=off", "GOMEMLIMIT=2GiB")
	var said tail
	cmd.Stderr = &said
	out, err := cmd.Output()
	switch {
	case ctx.Err() != nil:
		return loadResult{}, context.Cause(ctx)
	case err != nil && said.lastLine() != "":
		return loadResult{}, fmt.Errorf("under load: %s", said.lastLine())
	case err != nil:
		return loadResult{}, fmt.Errorf("the load generator: %w", err)
	}
	var result loadResult
	if err := json.Unmarshal(out, &result); err != nil {
		return result, fmt.Errorf("the load generator said %q: %w", out, err)
	}
	if result.Ops == 0 {
		return result, fmt.Errorf("not one request was answered in %v", spec.Window)
	}
	return result, nil
}
