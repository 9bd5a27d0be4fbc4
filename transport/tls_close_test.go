package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

// Conformance: TL-024.
func TestAnOrderlyEndIsToldApartFromACutConnection(t *testing.T) {
	t.Run("orderly", func(t *testing.T) {
		connected(t, func(ctx context.Context, d *duo) {
			d.server.t.Write([]byte("bye"))
			d.server.t.Close()
			d.bothLost(ctx, t)
			d.client.check(t, "made data eof lost")
			if d.client.err != nil || string(d.client.received) != "bye" {
				t.Errorf("received %q, lost with %v", d.client.received, d.client.err)
			}
		})
	})
	t.Run("cut", func(t *testing.T) {
		connected(t, func(ctx context.Context, d *duo) {
			d.server.t.Write([]byte("bye"))
			d.spipe.Close() // below TLS
			d.bothLost(ctx, t)
			d.client.check(t, "made data lost")
			matches(t, d.client.err, ErrTruncated, io.ErrUnexpectedEOF)
			if string(d.client.received) != "bye" {
				t.Errorf("received %q", d.client.received)
			}
		})
	})
	t.Run("reset", func(t *testing.T) {
		connected(t, func(ctx context.Context, d *duo) {
			d.server.t.Abort()
			d.bothLost(ctx, t)
			matches(t, d.client.err, syscall.ECONNRESET)
			if d.server.err != nil {
				t.Errorf("who aborts hears %v, want nil", d.server.err)
			}
		})
	})
}

// Conformance: TL-016.
func TestAClosedTransportTakesNothingAndDeliversNothing(t *testing.T) {
	for name, end := range map[string]func(Transport){
		"Close": Transport.Close,
		"Abort": Transport.Abort,
	} {
		t.Run(name, func(t *testing.T) {
			connected(t, func(ctx context.Context, d *duo) {
				d.client.t.Write([]byte("too late"))
				end(d.server.t)
				if !d.server.t.IsClosing() || d.server.t.IsReading() {
					t.Error("it is closing at once, and does not read")
				}
				d.server.t.Write([]byte("dropped"))
				d.server.t.PauseReading()
				d.server.t.ResumeReading()
				end(d.server.t)
				d.bothLost(ctx, t)
				d.server.t.Write([]byte("dropped"))
				d.server.t.Close()
				d.server.t.Abort()
				d.server.t.SetProtocol(&diary{})
				d.server.check(t, "made lost")
				if len(d.client.received) > 0 {
					t.Errorf("received %q", d.client.received)
				}
			})
		})
	}
}

// Conformance: TL-025.
func TestWhatWasWrittenBeforeCloseArrives(t *testing.T) {
	connected(t, func(ctx context.Context, d *duo) {
		data := noise(4 << 20)
		d.spipe.stuck = true
		d.server.t.Write(data)
		d.server.t.Close()
		for !d.spipe.gone { // a slow peer: a piece every ten seconds, for longer than the time-out
			d.spipe.unstick(256 << 10)
			if err := aio.Sleep(ctx, 10*time.Second); err != nil {
				t.Fatal(err)
			}
		}
		d.bothLost(ctx, t)
		if !bytes.Equal(d.client.received, data) {
			t.Errorf("received %d bytes, want all %d", len(d.client.received), len(data))
		}
		d.client.check(t, "made data eof lost")
		if d.client.err != nil || d.server.err != nil {
			t.Errorf("lost with %v and %v", d.client.err, d.server.err)
		}
	})
}

func TestAPeerThatTakesNothingIsGivenUp(t *testing.T) {
	connected(t, func(ctx context.Context, d *duo) {
		d.spipe.stuck = true
		d.server.t.Write([]byte("nobody wants this"))
		d.server.t.Close()
		begin := d.server.t.Loop().Time()
		for !d.server.lost {
			aio.Sleep(ctx, time.Second)
		}
		var late *ShutdownTimeoutError
		if !errors.As(d.server.err, &late) || late.After != 30*time.Second || !late.Timeout() {
			t.Errorf("lost with %v, want the time-out", d.server.err)
		}
		matches(t, d.server.err, context.DeadlineExceeded, os.ErrDeadlineExceeded)
		if took := d.server.t.Loop().Time().Sub(begin); took > 31*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestAPeerThatDoesNotAnswerACloseIsGivenUp(t *testing.T) {
	onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
		d := newDuo(t, aio.RunningLoop(ctx))
		d.sopts.shutdownTimeout = time.Second
		d.connect(ctx, t)
		d.cpipe.paused = true // it does not even read
		d.server.t.Close()
		aio.Sleep(ctx, 2*time.Second)
		var late *ShutdownTimeoutError
		if !errors.As(d.server.err, &late) || late.After != time.Second {
			t.Errorf("lost with %v, want the time-out", d.server.err)
		}
		d.cpipe.ResumeReading()
		d.bothLost(ctx, t)
	})
}

// Conformance: TL-027.
func TestDataBeforeTheEndIsDeliveredWhenPausedReadingResumes(t *testing.T) {
	for name, end := range map[string]func(d *duo){
		"orderly": func(d *duo) { d.client.t.Close() },
		"cut":     func(d *duo) { d.cpipe.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			connected(t, func(ctx context.Context, d *duo) {
				d.server.onData = func([]byte) { d.server.t.PauseReading() }
				d.client.t.Write([]byte("one"))
				d.client.t.Write([]byte("two"))
				end(d)
				aio.Sleep(ctx, time.Second)
				d.server.check(t, "made data")
				for range 3 {
					d.server.onData = nil
					d.server.t.ResumeReading()
				}
				d.bothLost(ctx, t)
				if string(d.server.received) != "onetwo" {
					t.Errorf("received %q", d.server.received)
				}
				if name == "orderly" {
					d.server.check(t, "made data eof lost")
				} else {
					d.server.check(t, "made data lost")
					matches(t, d.server.err, ErrTruncated)
				}
			})
		})
	}
}

func TestAPausedTransportThatIsClosedFindsTheAnswerBehindTheData(t *testing.T) {
	connected(t, func(ctx context.Context, d *duo) {
		d.server.onData = func([]byte) { d.server.t.PauseReading() }
		d.client.t.Write([]byte("one"))
		d.client.t.Write([]byte("two"))
		d.client.t.Close()
		aio.Sleep(ctx, time.Second)
		begin := d.server.t.Loop().Time()
		d.server.t.Close()
		d.bothLost(ctx, t)
		if took := d.server.t.Loop().Time().Sub(begin); took > 0 || d.server.err != nil {
			t.Errorf("took %v, lost with %v", took, d.server.err)
		}
		d.server.check(t, "made data lost")
	})
}

func TestALossIsToldAtOnceEvenIfReadingIsPaused(t *testing.T) {
	connected(t, func(ctx context.Context, d *duo) {
		d.server.t.PauseReading()
		aio.Yield(ctx)
		d.client.t.Abort()
		d.bothLost(ctx, t)
		matches(t, d.server.err, syscall.ECONNRESET)
	})
}

// Conformance: TR-009.
func TestSinceTLS13OneDirectionMayStayOpen(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
				d := newDuo(t, aio.RunningLoop(ctx))
				d.ccfg.MaxVersion = version
				d.server.keepOpen = true
				d.connect(ctx, t)
				c := d.clientTLS.(*tlsTransport)
				c.conn.CloseWrite()
				c.flush()
				untilTrue(ctx, t, "the end of one direction", func() bool { return len(d.server.events) == 2 })
				if version == tls.VersionTLS12 {
					d.bothLost(ctx, t)
					return
				}
				d.cpipe.Write([]byte("what follows a close_notify is ignored"))
				d.server.t.Write([]byte("the reply"))
				untilTrue(ctx, t, "the reply", func() bool { return string(d.client.received) == "the reply" })
				if n := len(d.serverTLS.(*tlsTransport).bio.in); n > 0 {
					t.Errorf("%d bytes that nobody will read are kept", n)
				}
				d.server.t.Close()
				d.bothLost(ctx, t)
				d.server.check(t, "made eof lost")
				d.client.check(t, "made data eof lost")
				if d.server.err != nil || d.client.err != nil {
					t.Errorf("lost with %v and %v", d.server.err, d.client.err)
				}
			})
		})
	}
}

// Conformance: TL-022.
func TestGarbageInTheStreamIsATLSErrorForTheReader(t *testing.T) {
	for name, garbage := range map[string][]byte{
		"no record":     []byte("GET / HTTP/1.1\r\n\r\n"),
		"forged record": append([]byte{23, 3, 3, 0, 40}, make([]byte, 40)...),
	} {
		t.Run(name, func(t *testing.T) {
			connected(t, func(ctx context.Context, d *duo) {
				d.client.t.Write([]byte("good"))
				d.cpipe.Write(garbage)
				d.bothLost(ctx, t)
				d.server.check(t, "made data lost")
				if d.server.err == nil || !strings.Contains(d.server.err.Error(), "tls: ") {
					t.Errorf("lost with %v, want an error of TLS", d.server.err)
				}
				if d.client.err == nil || !strings.Contains(d.client.err.Error(), "remote error: tls: ") {
					t.Errorf("the peer was told %v, want an alert", d.client.err)
				}
				d.server.t.Close()
			})
		})
	}
}

func TestGarbageInPlaceOfAHandshakeEndsTheConnection(t *testing.T) {
	onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
		d := newDuo(t, aio.RunningLoop(ctx))
		d.serve(aio.RunningLoop(ctx))
		plain := &diary{}
		d.cpipe.start(plain)
		d.cpipe.Write([]byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"))
		untilTrue(ctx, t, "the end", func() bool { return d.spipe.gone })
		d.server.check(t, "")
	})
	onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
		d := newDuo(t, aio.RunningLoop(ctx))
		d.spipe.start(&diary{})
		d.spipe.Write([]byte("220 mail.example ESMTP\r\n"))
		err := d.dial(ctx)
		var header tls.RecordHeaderError
		if !errors.As(err, &header) {
			t.Errorf("error %v, want a tls.RecordHeaderError", err)
		}
		untilTrue(ctx, t, "the end", func() bool { return d.cpipe.gone })
	})
}

func TestAPeerThatIsGoneBeforeOurCloseNotifyIsNoError(t *testing.T) {
	t.Run("nothing to send", func(t *testing.T) {
		connected(t, func(ctx context.Context, d *duo) {
			d.server.t.Close()
			d.spipe.lose(syscall.EPIPE)
			untilTrue(ctx, t, "the loss", func() bool { return d.server.lost })
			if d.server.err != nil {
				t.Errorf("lost with %v", d.server.err)
			}
		})
	})
	t.Run("data to send", func(t *testing.T) {
		connected(t, func(ctx context.Context, d *duo) {
			d.spipe.stuck = true
			d.server.t.Write([]byte("important"))
			d.server.t.Close()
			d.spipe.lose(syscall.EPIPE)
			untilTrue(ctx, t, "the loss", func() bool { return d.server.lost })
			matches(t, d.server.err, syscall.EPIPE)
		})
	})
}

func TestBothSidesMayCloseAtOnce(t *testing.T) {
	connected(t, func(ctx context.Context, d *duo) {
		d.client.t.Close()
		d.server.t.Close()
		d.bothLost(ctx, t)
		d.client.check(t, "made lost")
		d.server.check(t, "made lost")
		if err := errors.Join(d.client.err, d.server.err); err != nil {
			t.Errorf("lost with %v", err)
		}
	})
}

func TestAProtocolMayCloseOrAbortWhileItReceives(t *testing.T) {
	for name, end := range map[string]func(Transport){
		"Close": Transport.Close,
		"Abort": Transport.Abort,
	} {
		t.Run(name, func(t *testing.T) {
			connected(t, func(ctx context.Context, d *duo) {
				d.server.onData = func([]byte) {
					d.server.t.Write([]byte("last words"))
					end(d.server.t)
				}
				d.client.t.Write([]byte("one"))
				d.client.t.Write([]byte("two"))
				d.bothLost(ctx, t)
				if string(d.server.received) != "one" {
					t.Errorf("received %q after the end", d.server.received)
				}
				if name == "Close" && string(d.client.received) != "last words" {
					t.Errorf("the peer received %q", d.client.received)
				}
			})
		})
	}
}
