package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/examples/internal/charindex"
	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/limits"
	"github.com/aio-go/aio/stream"
)

const (
	prompt       = "?> "
	newLine      = "\r\n" // what terminals of the network expect
	longestQuery = 1000   // bytes
	portion      = 200    // lines that are written before the next wait for a slow visitor
)

// What ends a line, or the conversation: besides the newline the characters of Ctrl-C and Ctrl-D,
// which nc sends, and what telnet makes of Ctrl-C.
var ends = [][]byte{[]byte("\n"), {3}, {4}, []byte(telnetInterrupt)}

const telnetInterrupt = "\xff\xf4"

// finder serves all visitors. It belongs to one loop, so their shared state needs no lock.
type finder struct {
	index    *charindex.Index
	log      io.Writer
	limits   *limits.Limits
	visitors map[*stream.Writer]bool
}

// serve is the conversation with one visitor.
func (f *finder) serve(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
	who := w.RemoteAddr()
	f.enter(w)
	defer f.leave(w)
	for {
		w.WriteString(prompt)
		var line []byte
		err := f.limits.Wait(ctx, w, func(ctx context.Context) (err error) {
			if err = w.Drain(ctx); err == nil {
				line, err = r.ReadUntil(ctx, ends...)
			}
			return err
		})
		if errors.Is(err, stream.ErrLimit) {
			w.WriteString("That is too long." + newLine)
			return nil
		}
		if err != nil {
			return gone(err)
		}
		query, quit := parse(line)
		if quit {
			w.WriteString(newLine + "Bye." + newLine)
			return nil
		}
		fmt.Fprintf(f.log, "From %v: %q\n", who, query)
		n, err := f.answer(ctx, w, query)
		if err != nil {
			return gone(err)
		}
		fmt.Fprintf(f.log, "  To %v: %d found\n", who, n)
		// A visitor may have sent thousands of lines already: others have their turn after each of
		// them.
		if err := aio.Yield(ctx); err != nil {
			return err
		}
	}
}

func (f *finder) enter(w *stream.Writer) {
	if f.visitors == nil {
		f.visitors = map[*stream.Writer]bool{}
	}
	f.visitors[w] = true
	fmt.Fprintf(f.log, "%v has come, %d here\n", w.RemoteAddr(), len(f.visitors))
}

func (f *finder) leave(w *stream.Writer) {
	delete(f.visitors, w)
	fmt.Fprintf(f.log, "%v has gone, %d here\n", w.RemoteAddr(), len(f.visitors))
}

// dismiss tells the visitors that the server ends.
func (f *finder) dismiss() {
	for w := range f.visitors {
		w.WriteString(newLine + "The server is going down. Bye." + newLine)
	}
}

// parse takes a line apart. Control characters end the conversation, and so does a line that is no
// text: the commands that telnet sends when a key like Ctrl-C is pressed.
func parse(line []byte) (query string, quit bool) {
	line, _ = bytes.CutSuffix(line, []byte("\n"))
	line, _ = bytes.CutSuffix(line, []byte("\r"))
	isControl := func(c rune) bool { return c < ' ' && c != '\t' }
	if !utf8.Valid(line) || bytes.ContainsFunc(line, isControl) {
		return "", true
	}
	return cli.Printable(strings.TrimSpace(string(line))), false
}

// answer writes the characters and how many they are. There may be 100,000, so it waits for the
// visitor after each portion. No more than that is in memory for a slow visitor, and others have
// their turn.
func (f *finder) answer(ctx context.Context, w *stream.Writer, query string) (n int, err error) {
	for c := range f.index.All(query) {
		w.WriteString(c.String() + newLine)
		if n++; n%portion == 0 {
			if err := f.limits.Wait(ctx, w, w.Drain); err != nil {
				return n, err
			}
			if err := aio.Yield(ctx); err != nil {
				return n, err
			}
		}
	}
	w.WriteString(total(n) + newLine)
	return n, f.limits.Wait(ctx, w, w.Drain)
}

// total is the line below the results.
func total(n int) string { return strings.Repeat("─", 66) + fmt.Sprintf(" %d found", n) }

// gone is what remains of an error when the visitor's going away is none.
func gone(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}
