package aio_test

import (
	"errors"
	"os"
	"testing"

	"github.com/aio-go/aio"
)

// readablePipe returns a pipe with something to read in it, and the descriptor of its reading end.
func readablePipe(t *testing.T) (r *os.File, fd uintptr) {
	t.Helper()
	needProcesses(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.Close()
		w.Close()
	})
	if _, err := w.WriteString("x"); err != nil {
		t.Fatal(err)
	}
	raw, err := r.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(v uintptr) { fd = v }); err != nil {
		t.Fatal(err)
	}
	return r, fd
}

// Conformance: LP-020.
func TestAReaderThatStaysReadyRunsOncePerRunOfAStoppedLoop(t *testing.T) {
	l := aio.NewLoop()
	defer l.Close()
	_, fd := readablePipe(t)
	calls := 0
	err := l.AddReader(fd, func() {
		calls++
		l.Stop()
	})
	if errors.Is(err, aio.ErrNoPoller) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		l.RunForever()
		if calls != i+1 {
			t.Fatalf("%d calls after %d runs", calls, i+1)
		}
	}
	l.RemoveReader(fd)
}

// Conformance: LP-029.
func TestOnAClosedLoopReadersCanBeNeitherAddedNorRemoved(t *testing.T) {
	l := aio.NewLoop()
	_, fd := readablePipe(t)
	if err := l.AddReader(fd, func() {}); errors.Is(err, aio.ErrNoPoller) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if l.RemoveReader(fd) || l.RemoveWriter(fd) {
		t.Error("there was something to remove")
	}
	wantPanic(t, func() { l.AddReader(fd, func() {}) }, "aio: Loop.AddReader: the loop is closed")
	wantPanic(t, func() { l.AddWriter(fd, func() {}) }, "aio: Loop.AddWriter: the loop is closed")
}
