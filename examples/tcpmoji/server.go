package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/aio-go/aio/examples/internal/charindex"
	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/stream"
)

const (
	prompt       = "?> "
	newLine      = "\r\n" // what terminals of the network expect
	longestQuery = 1000   // bytes
	portion      = 200    // lines that are written before the next wait for a slow visitor
)

// What ends a line, or the conversation: besides the newline the characters of Ctrl-C and Ctrl-D, which
// nc sends, and what telnet makes of Ctrl-C.
var ends = [][]byte{[]byte("\n"), {3}, {4}, []byte(telnetInterrupt)}

const telnetInterrupt = "\xff\xf4"

// finder serves all visitors. It belongs to one loop, so what they share needs no lock.
type finder struct {
	index    *charindex.Index
	log      io.Writer
	visitors map[*stream.Writer]bool
}

// serve is the conversation with one visitor.
func (f *finder) serve(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
	who := w.RemoteAddr()
	f.enter(w)
	defer f.leave(w)
	for {
		w.WriteString(prompt)
		if err := w.Drain(ctx); err != nil {
			return gone(err)
		}
		line, err := r.ReadUntil(ctx, ends...)
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
		found := f.index.Search(query)
		if err := answer(ctx, w, found); err != nil {
			return gone(err)
		}
		fmt.Fprintf(f.log, "  To %v: %d found\n", who, len(found))
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

// parse takes a line apart. Control characters end the conversation, and so does what is no text: the
// commands that telnet sends when a key like Ctrl-C is pressed.
func parse(line []byte) (query string, quit bool) {
	line, _ = bytes.CutSuffix(line, []byte("\n"))
	line, _ = bytes.CutSuffix(line, []byte("\r"))
	isControl := func(c rune) bool { return c < ' ' && c != '\t' }
	if !utf8.Valid(line) || bytes.ContainsFunc(line, isControl) {
		return "", true
	}
	return cli.Printable(strings.TrimSpace(string(line))), false
}

// answer writes the characters and how many they are. There may be 100,000; the visitor is waited for
// after each portion, so that no more than that is in memory for one that is slow.
func answer(ctx context.Context, w *stream.Writer, found []charindex.Char) error {
	for i, c := range found {
		w.WriteString(c.String() + newLine)
		if i%portion == portion-1 {
			if err := w.Drain(ctx); err != nil {
				return err
			}
		}
	}
	w.WriteString(total(len(found)) + newLine)
	return w.Drain(ctx)
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
