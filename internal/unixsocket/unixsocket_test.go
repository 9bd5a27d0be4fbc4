package unixsocket

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/aio-go/aio/internal/looptest"
)

// Of many that start at once on a path with a stale socket one gets it, and keeps it.
func TestOfManyThatReplaceAStaleSocketOneGetsThePath(t *testing.T) {
	looptest.NeedUnixSockets(t)
	for range 20 {
		path := looptest.SocketPath(t)
		old, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		old.(*net.UnixListener).SetUnlinkOnClose(false)
		old.Close()

		var wg sync.WaitGroup
		won := make(chan *Listener, 16)
		for range cap(won) {
			wg.Go(func() {
				ln, err := Listen(context.Background(), path, DefaultMode, false)
				if err == nil {
					won <- ln
				} else if !errors.Is(err, syscall.EADDRINUSE) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		close(won)
		if len(won) != 1 {
			t.Fatalf("%d listeners got the path", len(won))
		}
		ln := <-won
		if c, err := net.Dial("unix", path); err != nil {
			t.Error(err)
		} else {
			c.Close()
		}
		ln.Close()
		if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 0 {
			t.Errorf("left behind: %v", left)
		}
	}
}
