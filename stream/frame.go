package stream

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
)

// Prefix is the form of the length in front of a frame. The length is unsigned, with the most
// significant byte first. With [LittleEndian], as in Prefix32|LittleEndian, the least significant
// byte is first.
type Prefix uint8

const (
	// Prefix8 is one byte: frames of up to 255 bytes.
	Prefix8 Prefix = 1
	// Prefix16 is two bytes: frames of up to 65535 bytes.
	Prefix16 Prefix = 2
	// Prefix32 is four bytes.
	Prefix32 Prefix = 4
	// Prefix64 is eight bytes.
	Prefix64 Prefix = 8
	// PrefixVarint is one to ten bytes, an unsigned varint as in encoding/binary and protocol
	// buffers.
	PrefixVarint Prefix = 16

	// LittleEndian, added to another prefix, puts the least significant byte first.
	LittleEndian Prefix = 128
)

var (
	// ErrFrameSize matches every [*FrameSizeError].
	ErrFrameSize = errors.New("stream: the frame is too large")
	// ErrPrefix is returned by [Reader.ReadFrame] for a varint that does not fit in 64 bits.
	ErrPrefix = errors.New("stream: the length of the frame is malformed")
)

// FrameSizeError is returned for a frame larger than its reader's limit, or than its prefix can
// express. It matches [ErrFrameSize].
type FrameSizeError struct {
	Size  uint64 // of the frame without its prefix, bytes
	Limit uint64 // the largest size allowed
}

// Error names both sizes.
func (e *FrameSizeError) Error() string {
	return fmt.Sprintf("stream: a frame of %d bytes, the limit is %d", e.Size, e.Limit)
}

// Is makes the error match [ErrFrameSize].
func (e *FrameSizeError) Is(target error) bool { return target == ErrFrameSize }

// check panics unless p is one of the prefixes.
func (p Prefix) check(op string) {
	switch p &^ LittleEndian {
	case Prefix8, Prefix16, Prefix32, Prefix64, PrefixVarint:
	default:
		panic("stream: " + op + ": " + strconv.Itoa(int(p)) + " is no prefix; " +
			"use one of the constants, such as Prefix32")
	}
}

// fixed returns the number of bytes of a prefix of fixed length, 0 for PrefixVarint.
func (p Prefix) fixed() int { return int(p &^ (LittleEndian | PrefixVarint)) }

// max returns the largest size that the prefix can express.
func (p Prefix) max() uint64 {
	if n := p.fixed(); n == 1 || n == 2 || n == 4 {
		return 1<<(8*n) - 1
	}
	return math.MaxUint64
}

// append appends the prefix of a frame of size bytes.
func (p Prefix) append(to []byte, size uint64) []byte {
	n := p.fixed()
	if n == 0 {
		return binary.AppendUvarint(to, size)
	}
	var b [8]byte
	if p&LittleEndian != 0 {
		binary.LittleEndian.PutUint64(b[:], size)
		return append(to, b[:n]...)
	}
	binary.BigEndian.PutUint64(b[:], size)
	return append(to, b[8-n:]...)
}

// parse reads a prefix at the start of data. It returns the number of its bytes, or 0 if more are
// needed, and the size.
func (p Prefix) parse(data []byte) (n int, size uint64, err error) {
	n = p.fixed()
	if n == 0 {
		size, n = binary.Uvarint(data)
		if n < 0 || n == 0 && len(data) >= binary.MaxVarintLen64 {
			return 0, 0, ErrPrefix
		}
		return n, size, nil
	}
	if len(data) < n {
		return 0, 0, nil
	}
	var b [8]byte
	if p&LittleEndian != 0 {
		copy(b[:], data[:n])
		return n, binary.LittleEndian.Uint64(b[:]), nil
	}
	copy(b[8-n:], data[:n])
	return n, binary.BigEndian.Uint64(b[:]), nil
}

// ReadFrame reads one frame: a prefix with a length, and as many bytes, which it returns. The
// reader's limit ([Limit], 64 KiB) is the largest length it accepts, so that a peer cannot make it
// buffer more. For a larger length it returns a [*FrameSizeError], for a malformed varint
// [ErrPrefix]. Both leave the frame in the stream, which is then of no use for frames any more.
//
// At the end of the stream it returns nil and [io.EOF]. If the stream ends inside a frame, it takes
// the remaining bytes, prefix included, and returns them in an [*IncompleteReadError]. asyncio has
// no counterpart; two calls of readexactly do the same.
//
// Cancellation: nothing is taken, even if a part of the frame has arrived.
func (r *Reader) ReadFrame(ctx context.Context, prefix Prefix) ([]byte, error) {
	const op = "Reader.ReadFrame"
	prefix.check(op)
	if err := r.begin(op); err != nil {
		return nil, err
	}
	defer r.waited()
	for {
		n, size, err := prefix.parse(r.buf.Bytes())
		if err != nil {
			return nil, err
		}
		need := max(prefix.fixed(), 1) // bytes, as far as is known
		if n > 0 {
			if size > uint64(r.limit) {
				return nil, &FrameSizeError{Size: size, Limit: uint64(r.limit)}
			}
			if need = n + int(size); r.buf.Len() >= need {
				r.buf.Discard(n)
				frame := []byte{}
				if size > 0 {
					frame = r.buf.Next(int(size))
				}
				r.taken()
				return frame, nil
			}
		}
		switch err := r.end(); {
		case err == io.EOF && r.buf.Len() > 0:
			return nil, r.incomplete(max(need, r.buf.Len()+1))
		case err != nil:
			return nil, err
		}
		if err := r.prepare(ctx, op, need).Park(); err != nil {
			r.pauseIfFull()
			return nil, err
		}
	}
}

// WriteFrame writes p as one frame, its length in front. Like [Writer.Write] it does not wait. If
// prefix cannot express the length, it returns a [*FrameSizeError] and writes nothing. The limit of
// the other side is not known here.
func (w *Writer) WriteFrame(prefix Prefix, p []byte) error {
	prefix.check("Writer.WriteFrame")
	size := uint64(len(p))
	if most := prefix.max(); size > most {
		return &FrameSizeError{Size: size, Limit: most}
	}
	var frame buffer // Write keeps none of its memory
	frame.makeRoom(binary.MaxVarintLen64 + len(p))
	frame.data = append(prefix.append(frame.data, size), p...)
	_, err := w.Write(frame.Bytes())
	frame.Discard(frame.Len())
	return err
}
