package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/subprocess"
)

// result is a row of the table, as it is printed in JSON.
type result struct {
	What  string  `json:"what"`
	N     int     `json:"how_many"`
	Start float64 `json:"start_seconds"`
	End   float64 `json:"end_seconds"`
	KiB   float64 `json:"kib_each"`
}

func (r result) write(out io.Writer, json bool) error {
	if json {
		return cli.WriteJSON(out, r)
	}
	_, err := fmt.Fprintf(out, "%-12s %9d %12.3f %12.3f %14.1f\n",
		r.What, r.N, r.Start, r.End, r.KiB)
	return err
}

// self is this program as a command; tests replace it.
var self = func(args ...string) (*subprocess.Cmd, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return subprocess.Command(program, args...), nil
}

// inProcess measures a contestant in a process of its own.
func (c contestant) inProcess(ctx context.Context, n int) (r result, err error) {
	cmd, err := self("-contestant", c.name, "-"+c.name, strconv.Itoa(n))
	if err != nil {
		return r, err
	}
	out, err := cmd.Output(ctx)
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(out, &r)
}

// measure measures a contestant in this process.
func (c contestant) measure(ctx context.Context, n int) (result, error) {
	r := result{What: c.name, N: n}
	runtime.GC()
	before := memory(os.Getpid())
	began := time.Now()
	var ends time.Time
	err := c.wait(ctx, n, func(others ...int) {
		r.Start = time.Since(began).Seconds()
		used := memory(os.Getpid()) - before
		for _, pid := range others {
			used += memory(pid)
		}
		r.KiB = float64(max(used, 0)) / 1024 / float64(n)
		ends = time.Now()
	})
	r.End = time.Since(ends).Seconds()
	return r, err
}

// memory is how many bytes of memory a process has for itself, where the system tells.
func memory(pid int) int {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	if fields := strings.Fields(string(text)); err == nil && len(fields) >= 3 {
		resident, _ := strconv.Atoi(fields[1])
		shared, _ := strconv.Atoi(fields[2])
		return (resident - shared) * os.Getpagesize()
	}
	if pid != os.Getpid() {
		return 0
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.Sys - m.HeapReleased)
}
