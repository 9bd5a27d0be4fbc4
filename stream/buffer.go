package stream

import (
	"bytes"
	"sync"
)

// Connections share memory for buffers, in pieces of a few sizes, in bytes. Larger pieces are left
// to the garbage collector.
var (
	sizes = [...]int{4 << 10, 16 << 10, 64 << 10, 256 << 10}
	pools [len(sizes)]sync.Pool
)

// buffer is a FIFO queue of bytes. While it is empty it holds no memory, so an idle connection
// needs none.
type buffer struct {
	data  []byte  // data[head:] is queued
	head  int     //
	piece *[]byte // the memory under data, if it is a shared piece
}

// Len returns the number of queued bytes.
func (b *buffer) Len() int { return len(b.data) - b.head }

// Bytes returns the queued bytes, valid until the next call of another method.
func (b *buffer) Bytes() []byte { return b.data[b.head:] }

// Write appends a copy of p.
func (b *buffer) Write(p []byte) {
	if len(p) > cap(b.data)-len(b.data) {
		b.makeRoom(len(p))
	}
	b.data = append(b.data, p...)
}

// makeRoom makes n bytes of room at the back, or leaves that to append.
func (b *buffer) makeRoom(n int) {
	if b.head >= b.Len() {
		// Moving the rest to the front costs no more than the bytes taken before.
		b.data = b.data[:copy(b.data, b.Bytes())]
		b.head = 0
	}
	if n <= cap(b.data)-len(b.data) {
		return
	}
	queued, old := b.Bytes(), b.piece
	for i, size := range sizes {
		if size < len(queued)+n {
			continue
		}
		if b.piece, _ = pools[i].Get().(*[]byte); b.piece == nil {
			mem := make([]byte, size)
			b.piece = &mem
		}
		b.data, b.head = append((*b.piece)[:0], queued...), 0
		recycle(old)
		return
	}
	b.data, b.head = append(make([]byte, 0, max(2*len(queued), len(queued)+n)), queued...), 0
	b.piece = nil
	recycle(old)
}

// recycle gives a shared piece back.
func recycle(piece *[]byte) {
	if piece == nil {
		return
	}
	for i, size := range sizes {
		if size == len(*piece) {
			pools[i].Put(piece)
		}
	}
}

// Read takes as many bytes as p has room for.
func (b *buffer) Read(p []byte) int {
	n := copy(p, b.Bytes())
	b.Discard(n)
	return n
}

// Next takes n bytes, in memory of their own; n is at most Len.
func (b *buffer) Next(n int) []byte {
	p := bytes.Clone(b.data[b.head : b.head+n])
	b.Discard(n)
	return p
}

// Discard drops n bytes; n is at most Len.
func (b *buffer) Discard(n int) {
	b.head += n
	if b.head == len(b.data) {
		recycle(b.piece)
		*b = buffer{}
	}
}

// search looks for the separator that ends first. It begins at from, as the bytes before were
// searched already. It returns the start and the end of the match. If there is none it returns -1
// and where to go on.
func (b *buffer) search(from int, separators ...[]byte) (start, end int) {
	queued := b.Bytes()
	start, end = -1, -1
	longest := 0
	for _, sep := range separators {
		longest = max(longest, len(sep))
		i := bytes.Index(queued[from:], sep)
		if i < 0 {
			continue
		}
		if stop := from + i + len(sep); end < 0 || stop < end {
			start, end = from+i, stop
		}
	}
	if end < 0 {
		// A separator may have begun at the very end.
		return -1, max(from, len(queued)+1-longest)
	}
	return start, end
}
