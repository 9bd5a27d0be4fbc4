package main

import (
	"os"
	"os/signal"
	"runtime/debug"
	"time"

	"golang.org/x/sys/unix"
)

// settleSignal makes a server with a garbage collector use it.
const settleSignal = unix.SIGUSR1

// collectOnSignal makes this process free unused memory on each signal.
func collectOnSignal() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, settleSignal)
	go func() {
		for range signals {
			debug.FreeOSMemory()
		}
	}()
}

// settled returns the memory of an idle server once it has not changed for a while. An idle Go
// process collects its garbage by itself within two minutes; the signal saves that wait.
func settled(spec loadSpec) (int64, error) {
	const pause, looks = 50 * time.Millisecond, 6
	if spec.Settle {
		time.Sleep(pause) // until it has ended what the last request began
		if err := unix.Kill(spec.PID, settleSignal); err != nil {
			return 0, err
		}
	}
	last := int64(-1)
	for same := 0; same < looks; {
		time.Sleep(pause)
		now, err := residentMemory(spec.PID)
		if err != nil {
			return 0, err
		}
		if now != last {
			last, same = now, 0
		}
		same++
	}
	return last, nil
}

// loadIdle makes connections, each with one request, and sees how much the
// server has grown by them. One connection before warms it up.
func loadIdle(spec loadSpec) (loadResult, error) { return idle(spec, dialAll) }

func idle(spec loadSpec, dial func(loadSpec) ([]int, error)) (loadResult, error) {
	warm := spec
	warm.Conns = 1
	if _, err := dial(warm); err != nil {
		return loadResult{}, err
	}
	before, err := settled(spec)
	if err != nil {
		return loadResult{}, err
	}
	w := window{pid: spec.PID}
	if err := w.begin(); err != nil {
		return loadResult{}, err
	}
	if _, err := dial(spec); err != nil {
		return loadResult{}, err
	}
	result, err := w.end(spec.Conns)
	if err != nil {
		return loadResult{}, err
	}
	after, err := settled(spec)
	result.Memory = after - before
	return result, err
}
