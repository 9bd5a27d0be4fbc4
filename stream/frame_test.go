package stream_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/stream"
)

var allPrefixes = []stream.Prefix{
	stream.Prefix8, stream.Prefix16, stream.Prefix32, stream.Prefix64, stream.PrefixVarint,
	stream.Prefix16 | stream.LittleEndian,
	stream.Prefix32 | stream.LittleEndian,
	stream.Prefix64 | stream.LittleEndian,
}

func TestFramesComeAsTheyWereWritten(t *testing.T) {
	onEach(t, func(t *testing.T, run func(main func(ctx context.Context))) {
		run(func(ctx context.Context) {
			frames := [][]byte{[]byte("one"), {}, noise(127), noise(128), noise(255)}
			server, err := stream.Serve(ctx, "tcp", "127.0.0.1:0",
				func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
					for _, prefix := range allPrefixes {
						for range frames {
							p, err := r.ReadFrame(ctx, prefix)
							if err != nil {
								return err
							}
							if err := w.WriteFrame(prefix, p); err != nil {
								return err
							}
						}
					}
					_, err := r.ReadFrame(ctx, stream.Prefix8)
					if err != io.EOF {
						t.Errorf("at the end: %v", err)
					}
					return nil
				})
			ok(t, err)
			defer server.Close()
			r, w, err := stream.Open(ctx, "tcp", server.Addrs()[0].String())
			ok(t, err)
			for _, prefix := range allPrefixes {
				for _, want := range frames {
					ok(t, w.WriteFrame(prefix, want))
					got, err := r.ReadFrame(ctx, prefix)
					ok(t, err)
					if got == nil || !bytes.Equal(got, want) {
						t.Errorf("prefix %d: %d bytes came back of %d", prefix, len(got), len(want))
					}
				}
			}
			w.Close()
			ok(t, w.WaitClosed(ctx))
			server.Close()
			ok(t, server.WaitClosed(ctx))
		})
	})
}

func TestTheBytesOfAPrefix(t *testing.T) {
	for text, want := range map[string]struct {
		prefix stream.Prefix
		frame  string
	}{
		"\x02hi":                             {stream.Prefix8, "hi"},
		"\x00\x02hi":                         {stream.Prefix16, "hi"},
		"\x02\x00hi":                         {stream.Prefix16 | stream.LittleEndian, "hi"},
		"\x00\x00\x00\x02hi":                 {stream.Prefix32, "hi"},
		"\x02\x00\x00\x00hi":                 {stream.Prefix32 | stream.LittleEndian, "hi"},
		"\x00\x00\x00\x00\x00\x00\x00\x02hi": {stream.Prefix64, "hi"},
		"\x02\x00\x00\x00\x00\x00\x00\x00hi": {stream.Prefix64 | stream.LittleEndian, "hi"},
		"\x02hi ":                            {stream.PrefixVarint, "hi"},
		// longer than need be, but a number
		"\x82\x00hi":                            {stream.PrefixVarint, "hi"},
		"\xac\x02" + strings.Repeat("ab", 150):  {stream.PrefixVarint, strings.Repeat("ab", 150)},
		"\x00":                                  {stream.Prefix8, ""},
		"\x00\x01\x00" + strings.Repeat("x", 9): {stream.Prefix8, ""},
	} {
		sub(t, fmt.Sprintf("%q", text), func(t *testing.T, ctx context.Context) {
			r := stream.NewReader(1000)
			for _, c := range []byte(text) { // a byte at a time
				aio.RunningLoop(ctx).CallSoon(func() { r.FeedData([]byte{c}) })
			}
			got, err := r.ReadFrame(ctx, want.prefix)
			if err != nil || string(got) != want.frame {
				t.Errorf("read %q, %v, want %q", got, err, want.frame)
			}
			yields(ctx, 2)
		})
	}
}

func TestAFrameOverTheLimitIsRefusedAndStays(t *testing.T) {
	run(t, func(ctx context.Context) {
		r := stream.NewReader(10)
		r.FeedData([]byte("\x0b12345678901"))
		for range 2 {
			var tooLarge *stream.FrameSizeError
			_, err := r.ReadFrame(ctx, stream.Prefix8)
			if !errors.As(err, &tooLarge) || tooLarge.Size != 11 || tooLarge.Limit != 10 ||
				r.Buffered() != 12 {
				t.Fatalf("got %v, %d bytes left", err, r.Buffered())
			}
			matches(t, err, stream.ErrFrameSize)
		}
		r = stream.NewReader(10)
		r.FeedData([]byte("\x0a1234567890"))
		if p, err := r.ReadFrame(ctx, stream.Prefix8); err != nil || string(p) != "1234567890" {
			t.Errorf("a frame of the limit: %q, %v", p, err)
		}
		r = stream.NewReader(10) // refused before anything is buffered
		r.FeedData(bytes.Repeat([]byte{0xff}, 8))
		var tooLarge *stream.FrameSizeError
		if _, err := r.ReadFrame(ctx, stream.Prefix64); !errors.As(err, &tooLarge) ||
			tooLarge.Size != math.MaxUint64 {
			t.Errorf("got %v", err)
		}
	})
}

func TestAVarintThatIsNoNumberIsRefused(t *testing.T) {
	for _, text := range []string{strings.Repeat("\xff", 10), strings.Repeat("\x80", 11),
		strings.Repeat("\xff", 9) + "\x02"} {
		run(t, func(ctx context.Context) {
			r := stream.NewReader(100)
			r.FeedData([]byte(text))
			if _, err := r.ReadFrame(ctx, stream.PrefixVarint); err != stream.ErrPrefix ||
				r.Buffered() != len(text) {
				t.Errorf("%q: got %v, %d bytes left", text, err, r.Buffered())
			}
		})
	}
}

func TestAStreamThatEndsInsideAFrame(t *testing.T) {
	for _, tc := range []struct {
		prefix   stream.Prefix
		text     string
		expected int
	}{
		{stream.Prefix32, "\x00\x00", 4},
		{stream.Prefix32, "\x00\x00\x00\x05ab", 9},
		{stream.Prefix8, "\x05", 6},
		{stream.PrefixVarint, "\x80", 2},
		{stream.PrefixVarint, "\x05ab", 6},
	} {
		run(t, func(ctx context.Context) {
			r := stream.NewReader(100)
			r.FeedData([]byte(tc.text))
			aio.RunningLoop(ctx).CallSoon(r.FeedEOF)
			_, err := r.ReadFrame(ctx, tc.prefix)
			var incomplete *stream.IncompleteReadError
			if !errors.As(err, &incomplete) || string(incomplete.Partial) != tc.text ||
				incomplete.Expected != tc.expected {
				t.Errorf("%q: got %v, want %q of %d bytes", tc.text, err, tc.text, tc.expected)
			}
			if _, err := r.ReadFrame(ctx, tc.prefix); err != io.EOF {
				t.Errorf("after it: %v", err)
			}
		})
	}
}

func TestALostConnectionFailsTheFrame(t *testing.T) {
	run(t, func(ctx context.Context) {
		r := stream.NewReader(100)
		lost := errors.New("lost")
		r.FeedData([]byte("\x01a\x05ab"))
		r.SetError(lost)
		if p, err := r.ReadFrame(ctx, stream.Prefix8); err != nil || string(p) != "a" {
			t.Errorf("what came before: %q, %v", p, err)
		}
		if _, err := r.ReadFrame(ctx, stream.Prefix8); err != lost {
			t.Errorf("got %v", err)
		}
	})
}

func TestACancelledReadOfAFrameTakesNothing(t *testing.T) {
	run(t, func(ctx context.Context) {
		r := stream.NewReader(100)
		for _, part := range []string{"", "\x00", "\x02", "a"} {
			r.FeedData([]byte(part))
			err := aio.Timeout(ctx, time.Millisecond, func(ctx context.Context) error {
				_, err := r.ReadFrame(ctx, stream.Prefix16)
				return err
			})
			matches(t, err, context.DeadlineExceeded)
		}
		r.FeedData([]byte("b"))
		if p, err := r.ReadFrame(ctx, stream.Prefix16); err != nil || string(p) != "ab" {
			t.Errorf("read %q, %v", p, err)
		}
	})
}

func TestReadingAFrameHasOneReaderAndPaces(t *testing.T) {
	run(t, func(ctx context.Context) {
		r, source := stream.NewReader(10), new(tap)
		r.SetSource(source)
		task := aio.Start(ctx, func(ctx context.Context) error {
			_, err := r.ReadFrame(ctx, stream.Prefix8)
			return err
		})
		yields(ctx, 1)
		_, err := r.ReadFrame(ctx, stream.Prefix8)
		matches(t, err, stream.ErrBusy)
		r.FeedData([]byte("\x01a\x0a1234567890\x0a1234567890"))
		if !source.paused {
			t.Error("more than twice the limit did not pause the source")
		}
		_, err = task.Await(ctx)
		ok(t, err)
		for range 2 {
			_, err := r.ReadFrame(ctx, stream.Prefix8)
			ok(t, err)
		}
		if source.paused {
			t.Error("an empty reader did not resume the source")
		}
	})
}

func TestMisuseOfFrames(t *testing.T) {
	run(t, func(ctx context.Context) {
		server, err := stream.Serve(ctx, "tcp", "127.0.0.1:0",
			func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
				_, err := r.ReadAll(ctx)
				return err
			})
		ok(t, err)
		defer server.Close()
		r, w, err := stream.Open(ctx, "tcp", server.Addrs()[0].String())
		ok(t, err)
		panics(t, func() { r.ReadFrame(ctx, 3) }, "Reader.ReadFrame", "no prefix")
		panics(t, func() { w.WriteFrame(0, nil) }, "Writer.WriteFrame", "no prefix")
		for prefix, most := range map[stream.Prefix]int{stream.Prefix8: 255, stream.Prefix16: 65535} {
			var tooLarge *stream.FrameSizeError
			if err := w.WriteFrame(prefix, make([]byte, most+1)); !errors.As(err, &tooLarge) ||
				tooLarge.Limit != uint64(most) {
				t.Errorf("a frame of %d bytes: %v", most+1, err)
			}
			ok(t, w.WriteFrame(prefix, make([]byte, most)))
		}
		w.Close()
		matches(t, w.WriteFrame(stream.Prefix8, nil), stream.ErrClosed)
		ok(t, w.WaitClosed(ctx))
	})
}
