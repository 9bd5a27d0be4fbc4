package stream_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// fed returns a reader with a limit that was fed some chunks.
func fed(limit int, chunks ...string) *stream.Reader {
	r := stream.NewReader(limit)
	for _, c := range chunks {
		r.FeedData([]byte(c))
	}
	return r
}

func ended(limit int, chunks ...string) *stream.Reader {
	r := fed(limit, chunks...)
	r.FeedEOF()
	return r
}

// expect checks what a read returned.
func expect(t *testing.T, got []byte, err error, want string) {
	t.Helper()
	if err != nil || string(got) != want {
		t.Errorf("read %q, %v, want %q", got, err, want)
	}
}

// rest checks what is left in a reader whose stream is over.
func rest(ctx context.Context, t *testing.T, r *stream.Reader, want string) {
	t.Helper()
	r.FeedEOF()
	got, err := r.ReadAll(ctx)
	expect(t, got, err, want)
}

func reading(ctx context.Context, r *stream.Reader, n int) *aio.Task[string] {
	return aio.CreateTask(ctx, func(ctx context.Context) (string, error) {
		p := make([]byte, n)
		n, err := r.Read(ctx, p)
		return string(p[:n]), err
	})
}

func line(ctx context.Context, r *stream.Reader) *aio.Task[[]byte] {
	return aio.CreateTask(ctx, r.ReadLine)
}

func TestRead(t *testing.T) {
	p := make([]byte, 30)
	sub(t, "S-005 feeding nothing changes nothing, feeding something appends",
		func(t *testing.T, ctx context.Context) {
			r := fed(9, "", "ab", "", "c")
			if r.Buffered() != 3 {
				t.Errorf("%d bytes buffered, want 3", r.Buffered())
			}
			rest(ctx, t, r, "abc")
		})
	sub(t, "S-006 a read of nothing returns at once and takes nothing",
		func(t *testing.T, ctx context.Context) {
			r := fed(9, "ab")
			if n, err := r.Read(ctx, nil); n != 0 || err != nil {
				t.Errorf("%d, %v", n, err)
			}
			if n, err := fed(9).Read(ctx, p[:0]); n != 0 || err != nil {
				t.Errorf("%d, %v", n, err)
			}
			rest(ctx, t, r, "ab")
		})
	sub(t, "S-007 a waiting read returns as soon as something is there",
		func(t *testing.T, ctx context.Context) {
			r := fed(99)
			task := reading(ctx, r, 30)
			aio.Yield(ctx)
			r.FeedData([]byte("eighteen bytes now"))
			if got, err := task.Await(ctx); got != "eighteen bytes now" || err != nil {
				t.Errorf("read %q, %v", got, err)
			}
			rest(ctx, t, r, "")
		})
	sub(t, "S-008 a read takes no more than asked for, whatever the chunks were",
		func(t *testing.T, ctx context.Context) {
			r := fed(99, "line1", "line2")
			if n, err := r.Read(ctx, p[:5]); n != 5 || err != nil || string(p[:5]) != "line1" {
				t.Errorf("read %q, %v", p[:n], err)
			}
			rest(ctx, t, r, "line2")
		})
	sub(t, "S-009 the end of the stream ends a waiting read", func(t *testing.T, ctx context.Context) {
		r := fed(9)
		task := reading(ctx, r, 30)
		aio.Yield(ctx)
		r.FeedEOF()
		if got, err := task.Await(ctx); got != "" || err != io.EOF {
			t.Errorf("read %q, %v, want the end", got, err)
		}
	})
	sub(t, "S-010 ReadAll returns everything up to the end", func(t *testing.T, ctx context.Context) {
		r := fed(3, "chunk1\n")
		task := aio.CreateTask(ctx, r.ReadAll)
		aio.Yield(ctx)
		r.FeedData([]byte("chunk2"))
		aio.Yield(ctx)
		r.FeedEOF()
		got, err := task.Await(ctx)
		expect(t, got, err, "chunk1\nchunk2")
		got, err = r.ReadAll(ctx)
		expect(t, got, err, "")
	})
	sub(t, "S-013 the limit is for separators only", func(t *testing.T, ctx context.Context) {
		r := fed(3, "chunk", "chunk")
		if n, err := r.Read(ctx, p[:5]); n != 5 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		got, err := r.ReadExactly(ctx, 5)
		expect(t, got, err, "chunk")
	})
	sub(t, "S-018 a stream is at its end only when everything was read",
		func(t *testing.T, ctx context.Context) {
			r := fed(9, "some data")
			if r.AtEOF() {
				t.Error("the end was not fed")
			}
			r.FeedEOF()
			if r.AtEOF() {
				t.Error("there is data left")
			}
			r.ReadAll(ctx)
			if !r.AtEOF() {
				t.Error("everything was read")
			}
		})
}

// Conformance: S-012.
func TestAReaderNeedsAPositiveLimit(t *testing.T) {
	panics(t, func() { stream.NewReader(0) }, "NewReader", "not positive")
	panics(t, func() { stream.NewReader(-1) }, "NewReader", "not positive")
	panics(t, func() { stream.Limit(0) }, "Limit", "not positive")
}

func TestReadLine(t *testing.T) {
	tooLong := func(t *testing.T, err error, consumed int, found bool) {
		t.Helper()
		var e *stream.LimitError
		if !errors.As(err, &e) || e.Consumed != consumed || e.Found != found ||
			!errors.Is(err, stream.ErrLimit) {
			t.Errorf("error %v, want a limit error with %d, %v", err, consumed, found)
		}
	}
	sub(t, "a line may come in many chunks", func(t *testing.T, ctx context.Context) {
		r := fed(99, "chunk1 ")
		task := line(ctx, r)
		for _, c := range []string{"chunk2 ", "chunk3 ", "\n chunk4"} {
			aio.Yield(ctx)
			r.FeedData([]byte(c))
		}
		got, err := task.Await(ctx)
		expect(t, got, err, "chunk1 chunk2 chunk3 \n")
		rest(ctx, t, r, " chunk4")
	})
	sub(t, "S-015 a line over the limit is dropped, the next one stays",
		func(t *testing.T, ctx context.Context) {
			r := fed(3, "line1\nline2\n")
			_, err := r.ReadLine(ctx)
			tooLong(t, err, 5, true)
			rest(ctx, t, r, "line2\n")

			r = fed(7)
			task := line(ctx, r)
			aio.Yield(ctx)
			r.FeedData([]byte("chunk1"))
			aio.Yield(ctx)
			r.FeedData([]byte("chunk2\nchunk3\n"))
			_, err = task.Await(ctx)
			tooLong(t, err, 12, true)
			rest(ctx, t, r, "chunk3\n")
		})
	sub(t, "S-016 without a newline everything over the limit is dropped",
		func(t *testing.T, ctx context.Context) {
			r := fed(3, "li", "ne1", "li")
			_, err := r.ReadLine(ctx)
			tooLong(t, err, 7, false)
			r.FeedData([]byte("ne2\n"))
			rest(ctx, t, r, "ne2\n")
		})
	sub(t, "S-017 a line of exactly the limit is no error, one byte more is",
		func(t *testing.T, ctx context.Context) {
			r := fed(7, "1234567\n", "12345678\n")
			got, err := r.ReadLine(ctx)
			expect(t, got, err, "1234567\n")
			_, err = r.ReadLine(ctx)
			tooLong(t, err, 8, true)
		})
	sub(t, "S-019 the last line may lack its newline", func(t *testing.T, ctx context.Context) {
		r := ended(9, "some data")
		got, err := r.ReadLine(ctx)
		expect(t, got, err, "some data")
		if got, err = r.ReadLine(ctx); got != nil || err != io.EOF {
			t.Errorf("%q, %v, want the end", got, err)
		}
	})
	sub(t, "S-047 Lines yields all lines", func(t *testing.T, ctx context.Context) {
		var lines []string
		for l, err := range ended(99, "line1\nline2\nline3").Lines(ctx) {
			ok(t, err)
			lines = append(lines, string(l))
		}
		if got := strings.Join(lines, "|"); got != "line1\n|line2\n|line3" {
			t.Errorf("lines %q", got)
		}
	})
	sub(t, "Lines ends with an error, and when the caller has enough",
		func(t *testing.T, ctx context.Context) {
			r := fed(4, "a\nb\nmuch too long\nc\n")
			for range r.Lines(ctx) {
				break
			}
			var got []string
			var last error
			for l, err := range r.Lines(ctx) {
				got, last = append(got, string(l)), err
			}
			if strings.Join(got, "|") != "b\n|" || !errors.Is(last, stream.ErrLimit) {
				t.Errorf("lines %q, %v", got, last)
			}
		})
}

func TestReadUntil(t *testing.T) {
	sub(t, "S-021 an empty separator is refused", func(t *testing.T, ctx context.Context) {
		r := fed(9, "x")
		_, err := r.ReadUntil(ctx, nil)
		matches(t, err, stream.ErrSeparator)
		_, err = r.ReadUntil(ctx)
		matches(t, err, stream.ErrSeparator)
		_, err = r.ReadUntil(ctx, []byte("a"), []byte(""))
		matches(t, err, stream.ErrSeparator)
		rest(ctx, t, r, "x")
	})
	sub(t, "S-022 a separator may be split over chunks, with false starts",
		func(t *testing.T, ctx context.Context) {
			for _, c := range []struct{ chunks, sep, want, left string }{
				{"QWE RTY UIO PAAA", "AAA", "QWERTYUIOPAAA", ""},
				{"data ~~~ more", "~~~", "data~~~", "more"},
				{"QWERTY A AA xxx", "AAA", "QWERTYAAA", "xxx"},
				{"aa A aaA aaA A", "aaaA", "aaAaaA", ""},
				{"x aab aa ab z", "aaab", "xaabaaab", "z"},
				{"1 2 3 SEP a rator", "SEPa", "123SEPa", "rator"},
			} {
				r := fed(99)
				task := aio.CreateTask(ctx, func(ctx context.Context) ([]byte, error) {
					return r.ReadUntil(ctx, []byte(c.sep))
				})
				for _, chunk := range strings.Fields(c.chunks) {
					aio.Yield(ctx)
					r.FeedData([]byte(chunk))
				}
				if c.want == "aaAaaA" { // no match at all: the end of the stream
					aio.Yield(ctx)
					r.FeedEOF()
				}
				got, err := task.Await(ctx)
				var incomplete *stream.IncompleteReadError
				if errors.As(err, &incomplete) {
					got, err = nil, nil
					continue
				}
				expect(t, got, err, c.want)
				rest(ctx, t, r, c.left)
			}
		})
	sub(t, "S-023 the end before the separator gives what is left",
		func(t *testing.T, ctx context.Context) {
			r := ended(99, "some dataAA")
			_, err := r.ReadUntil(ctx, []byte("AAA"))
			var e *stream.IncompleteReadError
			if !errors.As(err, &e) || string(e.Partial) != "some dataAA" || e.Expected != -1 {
				t.Errorf("error %v, want an incomplete read", err)
			}
			matches(t, err, stream.ErrIncomplete, io.ErrUnexpectedEOF)
			if errors.Is(err, io.EOF) {
				t.Error("something was left: not the orderly end")
			}
			rest(ctx, t, r, "")
			_, err = r.ReadUntil(ctx, []byte("AAA"))
			matches(t, err, io.EOF, stream.ErrIncomplete)
		})
	sub(t, "S-024 the limit error tells whether the separator is there, and the data stays",
		func(t *testing.T, ctx context.Context) {
			for _, c := range []struct {
				data     string
				consumed int
				found    bool
			}{
				{"some dataAA", 9, false},
				{"some dataAAA", 9, true},
				{"some dataAAAA", 9, true},
			} {
				r := fed(3, c.data)
				for range 2 {
					_, err := r.ReadUntil(ctx, []byte("AAA"))
					var e *stream.LimitError
					if !errors.As(err, &e) || e.Consumed != c.consumed || e.Found != c.found {
						t.Errorf("%q: error %v, want %d, %v", c.data, err, c.consumed, c.found)
					}
					if has := strings.Contains(err.Error(), "no separator"); has == c.found {
						t.Errorf("the message %q does not say it", err)
					}
				}
				rest(ctx, t, r, c.data)
			}
		})
	sub(t, "S-048 of several separators the one that ends first decides",
		func(t *testing.T, ctx context.Context) {
			r := fed(99, "line1\nline2\r\nline3", "STOPline4")
			for _, want := range []string{"line1\n", "line2\r\n", "line3STOP"} {
				got, err := r.ReadUntil(ctx, []byte("STOP"), []byte("\r\n"), []byte("\n"))
				expect(t, got, err, want)
			}
			rest(ctx, t, r, "line4")
		})
}

func TestReadExactly(t *testing.T) {
	sub(t, "S-025 nothing is read at once, less than nothing is refused",
		func(t *testing.T, ctx context.Context) {
			r := fed(9, "some data")
			got, err := r.ReadExactly(ctx, 0)
			expect(t, got, err, "")
			_, err = r.ReadExactly(ctx, -1)
			matches(t, err, stream.ErrCount)
			rest(ctx, t, r, "some data")
		})
	sub(t, "it waits until there is enough", func(t *testing.T, ctx context.Context) {
		r := fed(9, "some data")
		task := aio.CreateTask(ctx, func(ctx context.Context) ([]byte, error) {
			return r.ReadExactly(ctx, 36)
		})
		for range 4 {
			aio.Yield(ctx)
			r.FeedData([]byte("some data"))
		}
		got, err := task.Await(ctx)
		expect(t, got, err, strings.Repeat("some data", 4))
		rest(ctx, t, r, "some data")
	})
	sub(t, "S-027 the end before n bytes gives what is left", func(t *testing.T, ctx context.Context) {
		r := fed(99)
		task := aio.CreateTask(ctx, func(ctx context.Context) ([]byte, error) {
			return r.ReadExactly(ctx, 36)
		})
		aio.Yield(ctx)
		r.FeedData([]byte("some datasome data"))
		aio.Yield(ctx)
		r.FeedEOF()
		_, err := task.Await(ctx)
		var e *stream.IncompleteReadError
		if !errors.As(err, &e) || string(e.Partial) != "some datasome data" || e.Expected != 36 {
			t.Errorf("error %v, want an incomplete read", err)
		}
		if !strings.Contains(err.Error(), "18 bytes read on a total of 36 expected bytes") {
			t.Errorf("message %q", err)
		}
		rest(ctx, t, r, "")
	})
}

func TestErrorsOfAReader(t *testing.T) {
	broken := errors.New("the cable was cut")
	sub(t, "S-028 a reader tells its error", func(t *testing.T, ctx context.Context) {
		r := fed(9)
		if r.Err() != nil {
			t.Error("there was none yet")
		}
		r.SetError(broken)
		if r.Err() != broken {
			t.Errorf("%v", r.Err())
		}
	})
	sub(t, "S-004 a lost connection fails the reads", func(t *testing.T, ctx context.Context) {
		r := fed(9)
		r.SetError(broken)
		_, err := r.Read(ctx, make([]byte, 1))
		matches(t, err, broken)
		_, err = r.ReadLine(ctx)
		matches(t, err, broken)
		_, err = r.ReadExactly(ctx, 1)
		matches(t, err, broken)
		_, err = r.ReadUntil(ctx, []byte("x"))
		matches(t, err, broken)
		_, err = r.ReadAll(ctx)
		matches(t, err, broken)
		for _, err := range r.Lines(ctx) {
			matches(t, err, broken)
		}
	})
	sub(t, "what came before the loss can still be read", func(t *testing.T, ctx context.Context) {
		r := fed(99, "whole\nhalf")
		r.SetError(broken)
		got, err := r.ReadLine(ctx)
		expect(t, got, err, "whole\n")
		if got, err := r.ReadLine(ctx); got != nil || err != broken {
			t.Errorf("%q, %v", got, err)
		}
		got, err = r.ReadAll(ctx)
		if string(got) != "half" || err != broken {
			t.Errorf("%q, %v, want the rest and the error", got, err)
		}
	})
	sub(t, "S-029 a waiting read fails with the error that is set",
		func(t *testing.T, ctx context.Context) {
			r := fed(9)
			task := line(ctx, r)
			aio.Yield(ctx)
			r.SetError(broken)
			_, err := task.Await(ctx)
			matches(t, err, broken)
		})
	sub(t, "S-030, LP-031 a cancelled read ends at once and leaves no waiter",
		func(t *testing.T, ctx context.Context) {
			r := fed(9)
			task := line(ctx, r)
			aio.Yield(ctx)
			task.Cancel(nil)
			r.SetError(broken)
			_, err := task.Await(ctx)
			matches(t, err, aio.ErrCancelled)
			r.SetError(broken)
			if s := r.String(); strings.Contains(s, "waits") {
				t.Errorf("%s", s)
			}
		})
	sub(t, "a cancelled read takes nothing, even if it was woken already",
		func(t *testing.T, ctx context.Context) {
			for name, start := range map[string]func(r *stream.Reader) *aio.Task[aio.None]{
				"Read": func(r *stream.Reader) *aio.Task[aio.None] {
					return aio.Start(ctx, func(ctx context.Context) error {
						_, err := r.Read(ctx, make([]byte, 9))
						return err
					})
				},
				"ReadLine": func(r *stream.Reader) *aio.Task[aio.None] {
					return aio.Start(ctx, func(ctx context.Context) error {
						_, err := r.ReadLine(ctx)
						return err
					})
				},
				"ReadExactly": func(r *stream.Reader) *aio.Task[aio.None] {
					return aio.Start(ctx, func(ctx context.Context) error {
						_, err := r.ReadExactly(ctx, 5)
						return err
					})
				},
				"ReadUntil": func(r *stream.Reader) *aio.Task[aio.None] {
					return aio.Start(ctx, func(ctx context.Context) error {
						_, err := r.ReadUntil(ctx, []byte("\n"))
						return err
					})
				},
				"ReadAll": func(r *stream.Reader) *aio.Task[aio.None] {
					return aio.Start(ctx, func(ctx context.Context) error { _, err := r.ReadAll(ctx); return err })
				},
			} {
				r := fed(99)
				task := start(r)
				aio.Yield(ctx)
				r.FeedData([]byte("data\n"))
				task.Cancel(nil)
				if _, err := task.Await(ctx); !errors.Is(err, aio.ErrCancelled) {
					t.Errorf("%s: %v, want the cancellation", name, err)
				}
				rest(ctx, t, r, "data\n")
			}
		})
	sub(t, "V-025 a second reader gets an error at once", func(t *testing.T, ctx context.Context) {
		r := fed(9)
		first := line(ctx, r)
		aio.Yield(ctx)
		second := func() error { _, err := r.ReadExactly(ctx, 1); return err }
		for range 2 {
			err := second()
			matches(t, err, stream.ErrBusy)
			for _, part := range []string{"Reader.ReadExactly", "Reader.ReadLine", "another task"} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the message %q does not name %s", err, part)
				}
			}
			r.FeedData([]byte("x\n")) // the first is woken, and has the data
		}
		got, err := first.Await(ctx)
		expect(t, got, err, "x\n")
		ok(t, second())
	})
}

func TestBackPressure(t *testing.T) {
	sub(t, "S-034 the source is paused above twice the limit and resumed at the limit",
		func(t *testing.T, ctx context.Context) {
			r, src := fed(10), &tap{}
			r.SetSource(src)
			r.FeedData(make([]byte, 20))
			if src.paused {
				t.Error("twice the limit is not too much")
			}
			r.FeedData(make([]byte, 1))
			r.FeedData(make([]byte, 5)) // bytes that were under way already
			if !src.paused || src.pauses != 1 || !strings.Contains(r.String(), "paused") {
				t.Errorf("paused %v, %d times; %s", src.paused, src.pauses, r)
			}
			r.ReadExactly(ctx, 15)
			if !src.paused {
				t.Error("11 bytes are left, which is over the limit")
			}
			r.Read(ctx, make([]byte, 1))
			if src.paused {
				t.Error("10 bytes are left")
			}
		})
	sub(t, "a read that needs more gets it", func(t *testing.T, ctx context.Context) {
		r, src := fed(10), &tap{}
		r.SetSource(src)
		r.FeedData(make([]byte, 30))
		task := aio.CreateTask(ctx, func(ctx context.Context) ([]byte, error) {
			return r.ReadExactly(ctx, 100)
		})
		aio.Yield(ctx)
		if src.paused {
			t.Error("nobody would ever get 100 bytes")
		}
		r.FeedData(make([]byte, 50))
		if src.paused {
			t.Error("not enough yet")
		}
		r.FeedData(make([]byte, 50))
		if !src.paused {
			t.Error("more than enough")
		}
		if got, err := task.Await(ctx); len(got) != 100 || err != nil {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		if !src.paused {
			t.Error("30 bytes are left, which is over the limit")
		}
	})
	sub(t, "a cancelled ReadAll leaves a full reader paused", func(t *testing.T, ctx context.Context) {
		r, src := fed(10), &tap{}
		r.SetSource(src)
		task := aio.CreateTask(ctx, r.ReadAll)
		aio.Yield(ctx)
		r.FeedData(make([]byte, 1000))
		if src.paused {
			t.Error("ReadAll wants everything")
		}
		task.Cancel(nil)
		task.Await(ctx)
		if !src.paused || r.Buffered() != 1000 {
			t.Errorf("paused %v with %d bytes", src.paused, r.Buffered())
		}
	})
}

// Conformance: S-037.
func TestAReaderDescribesItself(t *testing.T) {
	run(t, func(ctx context.Context) {
		r := fed(77, "abc")
		task := aio.CreateTask(ctx, func(ctx context.Context) ([]byte, error) {
			return r.ReadExactly(ctx, 9)
		})
		aio.Yield(ctx)
		r.SetSource(&tap{})
		r.FeedData(make([]byte, 200))
		r.FeedEOF()
		r.SetError(errors.New("cut"))
		for _, part := range []string{"203 bytes", "limit 77", "eof", "error: cut",
			"Reader.ReadExactly", "paused"} {
			if !strings.Contains(r.String(), part) {
				t.Errorf("%q lacks %q", r, part)
			}
		}
		task.Await(ctx)
		panics(t, func() { r.FeedData([]byte("x")) }, "FeedData", "FeedEOF")
	})
}

// Conformance: S-046.
func TestAReadOutsideOfALoopSaysHowToDoIt(t *testing.T) {
	panics(t, func() { fed(9).ReadLine(context.Background()) }, "aio.Run")
	got, err := fed(9, "x\n").ReadLine(context.Background())
	expect(t, got, err, "x\n") // nothing to wait for, nothing to complain about
}

// What arrives for a Read that waits goes to its buffer at once. It is the stream's until the task
// has gone on.
func TestDataForAWaitingReadStaysInTheStreamUntilItIsTaken(t *testing.T) {
	sub(t, "it counts as buffered, and keeps its place", func(t *testing.T, ctx context.Context) {
		r := fed(9)
		p := make([]byte, 4)
		n := 0
		task := aio.Start(ctx, func(ctx context.Context) (err error) {
			n, err = r.Read(ctx, p)
			return err
		})
		aio.Yield(ctx)
		r.FeedData([]byte("abcdef"))
		r.FeedData([]byte("gh"))
		r.FeedEOF()
		if r.Buffered() != 8 || r.AtEOF() {
			t.Errorf("%d bytes are buffered, at the end: %v", r.Buffered(), r.AtEOF())
		}
		_, err := task.Await(ctx)
		expect(t, p[:n], err, "abcd")
		if r.Buffered() != 4 {
			t.Errorf("%d bytes are buffered", r.Buffered())
		}
		rest(ctx, t, r, "efgh")
	})
	sub(t, "a cancelled Read gives it back, in front of what came later",
		func(t *testing.T, ctx context.Context) {
			r := fed(9)
			task := aio.Start(ctx, func(ctx context.Context) error {
				_, err := r.Read(ctx, make([]byte, 4))
				return err
			})
			aio.Yield(ctx)
			r.FeedData([]byte("abcdef"))
			r.FeedData([]byte("gh"))
			task.Cancel(nil)
			if _, err := task.Await(ctx); !errors.Is(err, aio.ErrCancelled) {
				t.Errorf("err %v", err)
			}
			r.FeedData([]byte("ij"))
			rest(ctx, t, r, "abcdefghij")
		})
	sub(t, "it counts for the pause", func(t *testing.T, ctx context.Context) {
		r, s := fed(3), &tap{}
		r.SetSource(s)
		p := make([]byte, 5)
		task := aio.Start(ctx, func(ctx context.Context) error { _, err := r.Read(ctx, p); return err })
		aio.Yield(ctx)
		r.FeedData([]byte("abcdefg")) // more than twice the limit
		if !s.paused {
			t.Error("not paused")
		}
		task.Await(ctx)
		if s.paused {
			t.Error("paused still")
		}
	})
	sub(t, "the error shows after it", func(t *testing.T, ctx context.Context) {
		r, broken := fed(9), errors.New("broken")
		p := make([]byte, 9)
		n := 0
		task := aio.Start(ctx, func(ctx context.Context) (err error) {
			n, err = r.Read(ctx, p)
			return err
		})
		aio.Yield(ctx)
		r.FeedData([]byte("data"))
		r.SetError(broken)
		_, err := task.Await(ctx)
		expect(t, p[:n], err, "data")
		_, err = r.Read(ctx, p)
		matches(t, err, broken)
	})
}

func TestDebugModeRefusesOperationsOfOtherGoroutines(t *testing.T) {
	err := aio.Run(transport.WithNetwork(t.Context(), transport.Memory()),
		func(ctx context.Context) error {
			server, err := stream.Serve(ctx, "tcp", "localhost:1",
				func(ctx context.Context, r *stream.Reader, w *stream.Writer) error { return nil })
			if err != nil {
				return err
			}
			defer server.Close()
			r, w, err := stream.Open(ctx, "tcp", "localhost:1")
			if err != nil {
				return err
			}
			defer w.Close()
			for op, call := range map[string]func(){
				"Writer.Write":            func() { w.Write(nil) },
				"Writer.WriteEOF":         func() { w.WriteEOF() },
				"Writer.Close":            w.Close,
				"Writer.Abort":            w.Abort,
				"Reader.FeedData":         func() { r.FeedData(nil) },
				"Reader.FeedEOF":          r.FeedEOF,
				"Reader.SetError":         func() { r.SetError(nil) },
				"Transport.Write":         func() { w.Transport().Write(nil) },
				"Transport.PauseReading":  func() { w.Transport().PauseReading() },
				"Transport.ResumeReading": func() { w.Transport().ResumeReading() },
				"Transport.Close":         func() { w.Transport().Close() },
				"Server.Close":            server.Close,
				"Server.CloseClients":     server.CloseClients,
				"Server.AbortClients":     server.AbortClients,
			} {
				v := make(chan any)
				go func() {
					defer func() { v <- recover() }()
					call()
				}()
				want := "aio: " + op + ": called from a goroutine that is not the loop's"
				if got := fmt.Sprint(<-v); !strings.HasPrefix(got, want) {
					t.Errorf("%s: %s", op, got)
				}
			}
			return nil
		}, aio.WithDebug(true))
	if err != nil {
		t.Error(err)
	}
}
