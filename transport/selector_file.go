package transport

import "os"

// beginFile begins a Sendfile. A protocol that obeys flow control writes nothing meanwhile.
func (t *selectorTransport) beginFile(j *fileJob) {
	switch {
	case t.wroteEOF:
		panic("transport: Sendfile: after WriteEOF; send everything first")
	case t.way == receives:
		panic("transport: Sendfile: this is the reading end of a pipe; " +
			"ConnectWritePipe makes transports that write")
	case t.file != nil:
		panic("transport: Sendfile: another file is being sent; " +
			"wait until that Sendfile has returned")
	}
	t.file = j
	if !t.writingPaused && t.flows {
		defer t.reportPanic("PauseWriting")
		t.proto.(FlowControl).PauseWriting()
	}
}

func (t *selectorTransport) endFile() {
	t.file = nil
	if !t.writingPaused && t.flows {
		defer t.reportPanic("ResumeWriting")
		t.proto.(FlowControl).ResumeWriting()
	}
}

func (t *selectorTransport) roomForFile() bool  { return !t.writingPaused }
func (t *selectorTransport) writeFile(p []byte) { t.send(p) }

// fileSender ends the connection when sending a file fails, as Write does.
func (t *selectorTransport) fileSender() trySend {
	c, ok := t.conn.(interface {
		trySendfile(*os.File, int64, int) (int, error)
	})
	if !ok {
		return nil
	}
	return func(f *os.File, offset int64, limit int) (int, error) {
		n, err := c.trySendfile(f, offset, limit)
		if n > 0 {
			t.bytesMoved()
		}
		if err != nil && isConnectionError(err) {
			t.sendingFailed("sending a file failed", err)
		}
		return n, err
	}
}
