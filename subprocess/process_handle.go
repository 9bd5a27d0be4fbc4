package subprocess

import (
	"errors"
	"os"
	"time"

	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/internal/sys"
)

// processHandle is a child as an os.Process, with a goroutine that waits for it: for systems
// without pidfd.
type processHandle struct {
	process *os.Process
	done    chan struct{} // closed when the goroutine has set the rest
	status  Status
	err     error
}

func newProcessHandle(p *os.Process) *processHandle {
	return &processHandle{process: p, done: make(chan struct{})}
}

func (h *processHandle) watch(n *nursery, ended func(Status, error)) error {
	n.loop.MayPost(1)
	n.helper.Go(func() {
		defer n.loop.MayPost(-1)
		state, err := h.process.Wait()
		if h.err = err; err == nil {
			h.status = statusOfState(state)
		}
		close(h.done)
		// It fails only if the loop is closed, which asks the handle itself.
		n.loop.CallSoonThreadsafe(func() { ended(h.status, h.err) })
	})
	return nil
}

func (h *processHandle) poll() (Status, bool, error) {
	select {
	case <-h.done:
		return h.status, true, h.err
	default:
		return Status{}, false, nil
	}
}

func (h *processHandle) outlast(d time.Duration) (Status, bool, error) {
	limit := time.NewTimer(d)
	defer limit.Stop()
	select {
	case <-h.done:
	case <-limit.C:
	}
	return h.poll()
}

func (h *processHandle) signal(sig sys.Signal) error {
	err := h.process.Signal(sig)
	if errtree.Is(err, errors.ErrUnsupported) || err != nil && sig == sys.SIGTERM && !hasGroups {
		err = h.process.Kill() // Windows has nothing else
	}
	return err
}

func (h *processHandle) close() {}

func statusOfState(s *os.ProcessState) Status {
	r := Status{Code: s.ExitCode(), User: s.UserTime(), System: s.SystemTime()}
	if sig, core := killedBy(s); sig != 0 {
		r.Code, r.Core = -sig, core
	}
	return r
}
