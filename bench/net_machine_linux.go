package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// processCPU is the CPU time a process has used so far, its ended threads
// included: to the nanosecond, where /proc counts hundredths of a second.
func processCPU(pid int) (time.Duration, error) {
	const schedClock = 2 // see clock_getcpuclockid(3)
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|schedClock), &ts); err != nil {
		return 0, fmt.Errorf("the CPU clock of process %d: %w", pid, err)
	}
	return time.Duration(ts.Nano()), nil
}

// residentMemory is the memory of a process in bytes. The kernel walks its
// pages for it; the counter in statm is only roughly up to date.
func residentMemory(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(text) {
		if rest, ok := bytes.CutPrefix(line, []byte("Rss:")); ok {
			kilobytes, err := strconv.ParseInt(string(bytes.Fields(rest)[0]), 10, 64)
			return kilobytes << 10, err
		}
	}
	return 0, errors.New("smaps_rollup says nothing of Rss")
}

// raiseDescriptorLimit lets this process and those it starts open as many
// descriptors as the system allows, and returns how many that are.
func raiseDescriptorLimit() (int, error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0, err
	}
	limit.Cur = limit.Max
	return int(limit.Cur), unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)
}

// machineCPU is the CPU time that all processes have used so far. It counts
// hundredths of a second.
func machineCPU() (time.Duration, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	fields := bytes.Fields(line)
	if len(fields) < 8 {
		return 0, fmt.Errorf("/proc/stat begins with %q", line)
	}
	const tick, idle, waiting = 10 * time.Millisecond, 4, 5
	var busy time.Duration
	for i, field := range fields[1:8] {
		n, err := strconv.ParseInt(string(field), 10, 64)
		if err != nil {
			return 0, err
		}
		if i+1 != idle && i+1 != waiting {
			busy += time.Duration(n) * tick
		}
	}
	return busy, nil
}

// window measures: begin is called when the load runs evenly, end when enough
// was seen.
type window struct {
	pid                  int
	began                time.Time
	server, own, machine time.Duration // CPU time used by then
}

func (w *window) begin() (err error) {
	w.began = time.Now()
	w.server, w.own, w.machine, err = w.clocks()
	return err
}

func (w *window) end(ops int) (loadResult, error) {
	r := loadResult{Ops: ops, Elapsed: time.Since(w.began)}
	server, own, machine, err := w.clocks()
	r.CPU = server - w.server
	others := machine - w.machine - r.CPU - (own - w.own)
	r.Others = max(0, others.Seconds()/r.Elapsed.Seconds())
	return r, err
}

// turn is called again and again. It begins the window when the warm-up ends, at next, and sets ops
// to zero then. over says that the window has ended.
func (w *window) turn(length time.Duration, ops *int, next *time.Time) (over bool, err error) {
	switch now := time.Now(); {
	case now.Before(*next):
		return false, nil
	case !w.began.IsZero():
		return true, nil
	}
	err = w.begin()
	*ops, *next = 0, w.began.Add(length)
	return false, err
}

func (w *window) clocks() (server, own, machine time.Duration, err error) {
	server, err = processCPU(w.pid)
	own, err1 := processCPU(os.Getpid())
	machine, err2 := machineCPU()
	return server, own, machine, errors.Join(err, err1, err2)
}
