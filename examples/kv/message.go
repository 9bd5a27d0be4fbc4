package main

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/aio-go/aio/stream"
)

// request is what is sent on a connection: one of the three.
type request struct {
	Term   int
	Vote   *voteRequest
	Append *appendRequest
	Ask    *ask
}

type voteRequest struct {
	From                string
	LastIndex, LastTerm int
}

type appendRequest struct {
	From       string
	Before     int // index of the entry before
	BeforeTerm int
	Entries    []entry
	Commit     int
}

type ask struct {
	Client string
	Number int
	Op     operation
}

// size is about that of the message.
func (q *ask) size() int {
	return len(q.Client) + len(q.Op.Do) + len(q.Op.Key) + len(q.Op.Text) + 32
}

type answer struct {
	OK      bool
	Term    int
	Leader  string
	Value   string
	Refused string // why it is not done, for good
	Match   int
}

// code is a message as bytes. Each type has one method that writes its fields, or reads them:
// numbers as varints, texts behind their length.
type code struct {
	bytes   []byte
	reading bool
	broken  bool // the bytes are no such message
}

func (c *code) number(n *int) {
	if !c.reading {
		c.bytes = binary.AppendVarint(c.bytes, int64(*n))
		return
	}
	x, size := binary.Varint(c.bytes)
	if size <= 0 || x < 0 {
		c.broken, size, x = true, len(c.bytes), 0
	}
	*n, c.bytes = int(x), c.bytes[size:]
}

func (c *code) text(s *string) {
	n := len(*s)
	c.number(&n)
	if !c.reading {
		c.bytes = append(c.bytes, *s...)
		return
	}
	if n > len(c.bytes) {
		c.broken, n = true, 0
	}
	*s, c.bytes = string(c.bytes[:n]), c.bytes[n:]
}

// oneOf is text of which all values are known.
func (c *code) oneOf(s *string, values ...string) {
	n := max(slices.Index(values, *s), 0)
	c.number(&n)
	if n >= len(values) {
		c.broken, n = true, 0
	}
	*s = values[n]
}

func (c *code) entries(list *[]entry) {
	n := len(*list)
	c.number(&n)
	if c.reading {
		if n > len(c.bytes) { // each takes more than a byte
			c.broken, n = true, 0
		}
		*list = make([]entry, n)
	}
	for i := range *list {
		e := &(*list)[i]
		c.number(&e.Term)
		c.ask(&e.ask)
	}
}

func (c *code) ask(q *ask) {
	c.text(&q.Client)
	c.number(&q.Number)
	c.oneOf(&q.Op.Do, "", "get", "put", "add")
	c.text(&q.Op.Key)
	c.text(&q.Op.Text)
}

// The first number of a request says which one it is.
const (
	isVote = iota
	isAppend
	isAsk
)

func (q *request) code(c *code) {
	kind := isVote
	if q.Append != nil {
		kind = isAppend
	} else if q.Ask != nil {
		kind = isAsk
	}
	c.number(&kind)
	c.number(&q.Term)
	switch {
	case kind == isVote:
		v := at(&q.Vote)
		c.text(&v.From)
		c.number(&v.LastIndex)
		c.number(&v.LastTerm)
	case kind == isAppend:
		a := at(&q.Append)
		c.text(&a.From)
		c.number(&a.Before)
		c.number(&a.BeforeTerm)
		c.entries(&a.Entries)
		c.number(&a.Commit)
	case kind == isAsk:
		c.ask(at(&q.Ask))
	default:
		c.broken = true
	}
}

// at returns what p points to, which it makes if there is nothing.
func at[T any](p **T) *T {
	if *p == nil {
		*p = new(T)
	}
	return *p
}

func (a *answer) code(c *code) {
	ok := 0
	if a.OK {
		ok = 1
	}
	c.number(&ok)
	a.OK = ok == 1
	c.number(&a.Term)
	c.text(&a.Leader)
	c.text(&a.Value)
	c.text(&a.Refused)
	c.number(&a.Match)
}

// message is a request, an answer, or a record of the file.
type message interface{ code(c *code) }

func encode(m message) []byte {
	c := code{bytes: make([]byte, 0, 64)} // as much as most messages have
	m.code(&c)
	return c.bytes
}

var errBroken = errors.New("the message is broken")

func decode(b []byte, m message) error {
	c := code{bytes: b, reading: true}
	m.code(&c)
	if c.broken || len(c.bytes) > 0 {
		return errBroken
	}
	return nil
}

// A message is a frame. A leader sends no more entries at a time than fit.
const (
	frames   = stream.PrefixVarint
	maxFrame = 1 << 20
	maxBatch = maxFrame / 4 // bytes of entries, besides the last one
	maxText  = maxFrame / 4 // of an operation and the value it makes
)

// exchange sends a request and reads the answer.
func exchange(
	ctx context.Context, r *stream.Reader, w *stream.Writer, q *request, a *answer,
) error {
	if err := w.WriteFrame(frames, encode(q)); err != nil {
		return err
	}
	b, err := r.ReadFrame(ctx, frames)
	if err != nil {
		return err
	}
	return decode(b, a)
}
