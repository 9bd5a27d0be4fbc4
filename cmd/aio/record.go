package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/aio-go/aio/monitor"
	"github.com/aio-go/aio/recorder"
)

// record writes what a loop did last, or a file with that in another format.
func (c *command) record(ctx context.Context) error {
	r, err := c.recording(ctx)
	if err != nil {
		return err
	}
	return c.toOutput(func(w io.Writer) error {
		switch {
		case c.trace:
			return r.WriteTrace(w)
		case c.json || c.output != "":
			return r.WriteJSON(w)
		}
		return r.WriteText(w)
	})
}

func (c *command) recording(ctx context.Context) (r recorder.Recording, err error) {
	if isFile(c.args[0]) {
		f, err := os.Open(c.args[0])
		if err != nil {
			return r, err
		}
		defer f.Close()
		return recorder.Read(f)
	}
	if c.period < 0 || c.period > monitor.MaxRecord {
		return r, misuse("-for is at most %v", monitor.MaxRecord)
	}
	client, err := c.connect(ctx)
	if err != nil {
		return r, err
	}
	defer client.Close()
	all, err := client.Record(ctx, monitor.RecordQuestion{Loop: c.loop, For: c.period,
		Task: uint32(c.task), Last: c.n})
	switch {
	case err != nil:
		return r, c.hint(err)
	case len(all) > 1:
		return r, misuse("%d loops record; choose one with -loop N", len(all))
	case len(all) == 0:
		return r, errors.New("the answer has no recording")
	}
	return all[0], nil
}

// isFile reports whether what names a file rather than a process or a socket.
func isFile(what string) bool {
	if _, err := strconv.Atoi(what); err == nil {
		return false
	}
	info, err := os.Stat(what)
	return err == nil && info.Mode().IsRegular()
}

// toOutput writes to the file of -o, which must not exist, or to standard output.
func (c *command) toOutput(write func(w io.Writer) error) (err error) {
	if c.output == "" {
		return write(c.out)
	}
	f, err := os.OpenFile(c.output, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return write(f)
}

// hint adds to an error what to do about it.
func (c *command) hint(err error) error {
	if c.period == 0 {
		return fmt.Errorf("%w; or record for a while: -for 5s", err)
	}
	return err
}
