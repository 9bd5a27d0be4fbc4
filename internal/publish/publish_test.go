package publish_test

import (
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/aio-go/aio/internal/publish"
)

func TestANumberThatIsSeenHasWhatWasWrittenBefore(t *testing.T) {
	var first, second uint32
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := range uint32(100_000) {
			publish.Uint32(&first, n+1)
			publish.Uint32(&second, n+1)
		}
	}()
	for seen := uint32(0); seen < 100_000; {
		seen = atomic.LoadUint32(&second)
		if before := atomic.LoadUint32(&first); before < seen {
			t.Fatalf("%d was written after %d", before, seen)
		}
		runtime.Gosched()
	}
	<-done
}
