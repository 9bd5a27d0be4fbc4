package main

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io/fs"
	"os"

	"github.com/aio-go/aio/aiofile"
	"github.com/aio-go/aio/aiosync"
)

// saved is what a node must not forget.
type saved struct {
	Term int
	Vote string
	Log  []entry // entry i has index i+1
}

// record is a change of it. The file is a list of records, to which is only appended.
type record struct {
	Term    int
	Vote    string
	From    int // so many entries of the log stay, the others are
	Entries []entry
}

func (r *record) code(c *code) {
	c.number(&r.Term)
	c.text(&r.Vote)
	c.number(&r.From)
	c.entries(&r.Entries)
}

// A record has its length and a checksum before it. The last one may be torn: the machine has lost
// its power before anybody was told of it.
const recordHead = 8

// store is the file of a node.
type store struct {
	saved   // as it should be
	f       *aiofile.File
	term    int    // as it is on disk
	vote    string // as it is on disk
	onDisk  int    // so many entries of the log are on disk
	writing int    // and so many will be after the present write
	changed aiosync.Event
	next    *aiosync.Event // the next write is done; nil: nobody waits for it
}

// open opens the file and reads it.
func (s *store) open(ctx context.Context, name string) error {
	b, err := aiofile.ReadFile(ctx, name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	size := 0
	for rest := b; len(rest) >= recordHead; rest = b[size:] {
		n := int64(binary.BigEndian.Uint32(rest))
		if n > int64(len(rest)-recordHead) {
			break
		}
		var r record
		body := rest[recordHead:][:n]
		if crc32.ChecksumIEEE(body) != binary.BigEndian.Uint32(rest[4:]) ||
			decode(body, &r) != nil || r.From > len(s.Log) {
			break
		}
		s.Term, s.Vote, s.Log = r.Term, r.Vote, append(s.Log[:r.From], r.Entries...)
		size += recordHead + int(n)
	}
	s.term, s.vote, s.onDisk = s.Term, s.Vote, len(s.Log)
	s.f, err = aiofile.OpenFile(ctx, name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil || size == len(b) {
		return err
	}
	if err = s.f.Truncate(ctx, int64(size)); err == nil {
		err = s.f.Sync(ctx)
	}
	if err != nil {
		_ = s.f.Close(ctx)
	}
	return err
}

// cut drops the entries of the log behind the first n.
func (s *store) cut(n int) {
	s.Log = s.Log[:n]
	s.onDisk, s.writing = min(s.onDisk, n), min(s.writing, n)
}

func (s *store) isSaved() bool {
	return s.term == s.Term && s.vote == s.Vote && s.onDisk == len(s.Log)
}

// save has the state put on disk, and does not wait for it.
func (s *store) save() {
	if !s.isSaved() {
		s.changed.Set()
	}
}

// wait waits until the state, or a newer one, is on disk.
func (s *store) wait(ctx context.Context) error {
	if s.isSaved() {
		return nil
	}
	s.save()
	return at(&s.next).Wait(ctx)
}

// keep puts on disk what has changed, in one write for all who wait, and calls then after it. It
// ends with an error if it cannot, and the node with it.
func (s *store) keep(ctx context.Context, then func()) error {
	for {
		if err := s.changed.Wait(ctx); err != nil {
			return err
		}
		for !s.isSaved() || s.next != nil {
			done := s.next
			s.next = nil
			if err := s.write(ctx); err != nil {
				return err
			}
			if done != nil {
				done.Set()
			}
			then()
		}
		s.changed.Clear()
	}
}

// write appends a record of what has changed.
func (s *store) write(ctx context.Context) error {
	r := record{s.Term, s.Vote, s.onDisk, s.Log[s.onDisk:]}
	s.writing = len(s.Log)
	c := code{bytes: make([]byte, recordHead, 128)}
	r.code(&c)
	binary.BigEndian.PutUint32(c.bytes, uint32(len(c.bytes)-recordHead))
	binary.BigEndian.PutUint32(c.bytes[4:], crc32.ChecksumIEEE(c.bytes[recordHead:]))
	if _, err := s.f.Write(ctx, c.bytes); err != nil {
		return err
	}
	if err := s.f.Sync(ctx); err != nil {
		return err
	}
	s.term, s.vote, s.onDisk = r.Term, r.Vote, s.writing
	return nil
}
