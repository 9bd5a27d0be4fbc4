package aio_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// pipe returns the two ends of a pipe that never blocks.
func pipe() (r, w int) {
	var fds [2]int
	if err := syscall.Pipe2(fds[:], syscall.O_NONBLOCK|syscall.O_CLOEXEC); err != nil {
		panic(err)
	}
	return fds[0], fds[1]
}

func ExampleLoop_AddReader() {
	r, w := pipe()
	defer syscall.Close(r)
	defer syscall.Close(w)
	aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		line := aio.NewFuture[string](loop.Context())
		err := loop.AddReader(uintptr(r), func() {
			buf := make([]byte, 100)
			n, _ := syscall.Read(r, buf)
			loop.RemoveReader(uintptr(r))
			line.SetResult(string(buf[:n]))
		})
		if err != nil {
			return err
		}
		syscall.Write(w, []byte("hello"))
		fmt.Println(line.Await(ctx))
		return nil
	})
	// Output: hello <nil>
}

// A watch tells when readiness changes; what is there has to be read up to the end.
func ExampleWatch() {
	r, w := pipe()
	defer syscall.Close(r)
	defer syscall.Close(w)
	aio.Run(context.Background(), func(ctx context.Context) error {
		var readable aiosync.Event
		watch, err := aio.RunningLoop(ctx).Watch(uintptr(r), func(ev aio.Interest) {
			if ev&aio.Readable != 0 {
				readable.Set()
			}
		})
		if err != nil {
			return err
		}
		defer watch.Close()
		syscall.Write(w, []byte("hello"))
		fmt.Println(readable.Wait(ctx))
		return nil
	})
	// Output: <nil>
}

func ExampleInterest() {
	ev := aio.Readable | aio.HangUp
	fmt.Println(ev&aio.Readable != 0, ev&aio.Writable != 0)
	// Output: true false
}

// A loop asks for a poller when it gets its first descriptor, not before.
func ExampleWithPoller() {
	none := func() (aio.Poller, error) { return nil, errors.New("no descriptors here") }
	aio.Run(context.Background(), func(ctx context.Context) error {
		_, err := aio.RunningLoop(ctx).Watch(os.Stdin.Fd(), func(aio.Interest) {})
		fmt.Println(err != nil)
		return nil
	}, aio.WithPoller(none))
	// Output: true
}
