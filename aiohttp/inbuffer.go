package aiohttp

import "sync"

// firstBuffer is the size of the buffers that connections share. Most heads are smaller.
const firstBuffer = 4 << 10

var heads = sync.Pool{New: func() any { return new([firstBuffer]byte) }}

// inBuffer is what has come on a connection and was not taken. While it is empty it holds no memory.
type inBuffer struct {
	data  []byte // data[first:] is there
	first int
	piece *[firstBuffer]byte // under data, or nil
}

func (b *inBuffer) len() int      { return len(b.data) - b.first }
func (b *inBuffer) bytes() []byte { return b.data[b.first:] }

// write appends a copy of p.
func (b *inBuffer) write(p []byte) {
	if len(p) == 0 {
		return
	}
	if b.data == nil && len(p) <= firstBuffer {
		b.piece = heads.Get().(*[firstBuffer]byte)
		b.data = b.piece[:0]
	}
	if len(p) > cap(b.data)-len(b.data) && b.first > 0 && b.first >= b.len() {
		b.data = b.data[:copy(b.data, b.bytes())]
		b.first = 0
	}
	before := cap(b.data)
	b.data = append(b.data, p...)
	if cap(b.data) != before && b.piece != nil { // it has moved
		heads.Put(b.piece)
		b.piece = nil
	}
}

// read takes as much as p has room for.
func (b *inBuffer) read(p []byte) int {
	n := copy(p, b.bytes())
	b.discard(n)
	return n
}

// discard takes n bytes.
func (b *inBuffer) discard(n int) {
	if b.first += n; b.first == len(b.data) {
		b.drop()
	}
}

// unread puts p in front.
func (b *inBuffer) unread(p []byte) {
	if n := len(p); n > 0 && n <= b.first {
		b.first -= n
		copy(b.data[b.first:], p)
		return
	}
	rest := append(append([]byte(nil), p...), b.bytes()...)
	b.drop()
	b.data = rest
}

// drop forgets all.
func (b *inBuffer) drop() {
	if b.piece != nil {
		heads.Put(b.piece)
	}
	*b = inBuffer{}
}
