package transport

import (
	"io"
	"net"
	"os"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/internal/sys"
)

// portablePipe is an end of a pipe that is read or written by a goroutine.
type portablePipe struct {
	*portableConn
	dir      direction
	terminal bool
	restore  func() // as of pipeConn
}

// newPortablePipe takes f. If the runtime cannot end a read of f, Close leaves the goroutine in
// that read behind until bytes arrive.
func newPortablePipe(h *hub, f *os.File, d direction) *portablePipe {
	c := newPortableConn(h, filePipe{f})
	c.deaf = f.SetDeadline(time.Time{}) != nil
	p := &portablePipe{portableConn: c, dir: d}
	if info, err := f.Stat(); err == nil {
		p.terminal = info.Mode()&os.ModeCharDevice != 0
	}
	return p
}

func (p *portablePipe) direction() direction { return p.dir }

func (p *portablePipe) Start(ready func(aio.Interest)) error {
	if p.dir == receives {
		return p.portableConn.Start(ready)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ready = ready
	if p.closed {
		return p.closedError("write")
	}
	p.notifyLocked(aio.Writable)
	return nil
}

func (p *portablePipe) TryRead(b []byte) (int, error) {
	n, err := p.portableConn.TryRead(b)
	if p.terminal && errtree.Is(err, sys.EIO) {
		err = io.EOF // as in pipeConn
	}
	return n, err
}

func (p *portablePipe) Close() error {
	if p.restore != nil && !p.isClosed() {
		p.restore()
	}
	return p.portableConn.Close()
}

func (p *portablePipe) isClosed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}

// filePipe is a file with the methods that the portable connection needs.
type filePipe struct{ *os.File }

func (p filePipe) LocalAddr() net.Addr  { return pipeAddr(p.Name()) }
func (p filePipe) RemoteAddr() net.Addr { return pipeAddr(p.Name()) }
