package transport

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

func TestAnEmptyBIOAsksToBeCalledAgain(t *testing.T) {
	var b memoryBIO
	n, err := b.Read(make([]byte, 4))
	var ne net.Error
	if n != 0 || !errors.As(err, &ne) || !ne.Timeout() {
		t.Fatalf("Read of nothing: %d, %v", n, err)
	}
	if temporary, ok := err.(interface{ Temporary() bool }); !ok || !temporary.Temporary() {
		t.Error("crypto/tls gives a connection up unless the error says Temporary")
	}
}

func TestABIOHandsOutWhatItWasFedBeforeTheEnd(t *testing.T) {
	var b memoryBIO
	b.feed([]byte("ab"))
	b.feed([]byte("cd"))
	b.finish(ErrTruncated)
	b.finish(io.ErrClosedPipe)
	got, err := io.ReadAll(&b)
	if string(got) != "abcd" || err != ErrTruncated {
		t.Errorf("got %q and %v, want everything and the first end", got, err)
	}
}

func TestABIOKeepsWhatItWasLent(t *testing.T) {
	var b memoryBIO
	lent := []byte("abcd")
	b.feed(lent)
	p := make([]byte, 1)
	b.Read(p)
	b.keep()
	copy(lent, "XXXX")
	b.feed([]byte("ef"))
	b.finish(io.EOF)
	if got, _ := io.ReadAll(&b); string(got) != "bcdef" {
		t.Errorf("got %q, want what was fed", got)
	}
}

func TestABIOIsReadThroughItsParkDuringTheHandshake(t *testing.T) {
	var b memoryBIO
	parks := 0
	b.park = func() error {
		parks++
		if parks == 2 {
			b.feed([]byte("x"))
		}
		if parks == 3 {
			return io.ErrNoProgress
		}
		return nil
	}
	p := make([]byte, 4)
	if n, err := b.Read(p); n != 1 || err != nil || parks != 2 {
		t.Errorf("Read: %d, %v after %d parks, want 1 byte after 2", n, err, parks)
	}
	for range 2 { // the reason sticks
		if n, err := b.Read(p); n != 0 || err != io.ErrNoProgress || parks != 3 {
			t.Errorf("Read: %d, %v after %d parks, want the error of the third", n, err, parks)
		}
	}
}

func TestABIOGivesItsOutputAwayInOnePiece(t *testing.T) {
	var b memoryBIO
	b.drain(func([]byte) { t.Error("there is nothing to send") })
	b.Write([]byte("ab"))
	b.Write([]byte("cd"))
	if b.pending() != 4 {
		t.Errorf("pending %d, want 4", b.pending())
	}
	var sent []string
	b.drain(func(p []byte) {
		sent = append(sent, string(p))
		b.Write([]byte("ef")) // as a protocol may that was told to pause writing
	})
	b.drain(func(p []byte) { sent = append(sent, string(p)) })
	if len(sent) != 2 || sent[0] != "abcd" || sent[1] != "ef" || b.pending() != 0 {
		t.Errorf("sent %q, %d pending", sent, b.pending())
	}
}

func TestABIOIsAConnectionThatNeverWaits(t *testing.T) {
	b := memoryBIO{addr: &pipe{}}
	var conn net.Conn = &b
	if conn.LocalAddr() == nil || conn.RemoteAddr() == nil {
		t.Error("the callbacks of a configuration may ask for the addresses")
	}
	if err := errors.Join(conn.Close(), conn.SetDeadline(time.Time{}),
		conn.SetReadDeadline(time.Time{}), conn.SetWriteDeadline(time.Time{})); err != nil {
		t.Error(err)
	}
	conn.Write([]byte("x"))
	if b.pending() != 1 {
		t.Error("Close and deadlines must have no effect")
	}
}
