package aiohttp

import "sync"

// firstBuffer is the size of the buffers that connections share. Most heads are smaller.
const firstBuffer = 4 << 10

var heads = sync.Pool{New: func() any { return new([firstBuffer]byte) }}

// inBuffer holds the bytes of a connection that have arrived and were not taken. While it is empty
// it holds no memory.
type inBuffer struct {
	data  []byte // data[first:] is not taken
	first int
	lent  bool               // data is the transport's, until keep is called
	head  *[firstBuffer]byte // the memory of data, or piece is, or neither
	piece *[pieceSize]byte
}

func (b *inBuffer) len() int      { return len(b.data) - b.first }
func (b *inBuffer) bytes() []byte { return b.data[b.first:] }

// lend appends p, which may be used until keep is called. Bytes taken before that are not copied.
func (b *inBuffer) lend(p []byte) {
	if len(p) > 0 && b.data == nil {
		b.data, b.lent = p[:len(p):len(p)], true
		return
	}
	b.write(p)
}

// keep copies the rest of the lent bytes.
func (b *inBuffer) keep() {
	if b.lent {
		rest := b.bytes()
		*b = inBuffer{}
		b.write(rest)
	}
}

// write appends a copy of p.
func (b *inBuffer) write(p []byte) {
	b.keep()
	if len(p) == 0 {
		return
	}
	if len(p) > cap(b.data)-len(b.data) && b.first > 0 && b.first >= b.len() {
		b.data = b.data[:copy(b.data, b.bytes())]
		b.first = 0
	}
	if len(p) <= cap(b.data)-len(b.data) {
		b.data = append(b.data, p...)
		return
	}
	old := *b
	*b = inBuffer{}
	switch size := old.len() + len(p); {
	case size <= firstBuffer:
		b.head = heads.Get().(*[firstBuffer]byte)
		b.data = b.head[:0]
	case size <= pieceSize:
		b.piece = pieces.Get().(*[pieceSize]byte)
		b.data = b.piece[:0]
	default:
		b.data = make([]byte, 0, size+size/4)
	}
	b.data = append(append(b.data, old.bytes()...), p...)
	old.drop()
}

// read takes as many bytes as p has room for.
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
	b.keep()
	if n := len(p); n > 0 && n <= b.first {
		b.first -= n
		copy(b.data[b.first:], p)
		return
	}
	rest := append(append([]byte(nil), p...), b.bytes()...)
	b.drop()
	b.data = rest
}

// drop drops all bytes.
func (b *inBuffer) drop() {
	if b.head != nil {
		heads.Put(b.head)
	}
	if b.piece != nil {
		pieces.Put(b.piece)
	}
	*b = inBuffer{}
}
