package aiowebsocket

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"sync"
)

// minCompressed is the length of the shortest message that is compressed.
const minCompressed = 256

// tail is what a sender leaves out at the end of a compressed message, and the end of the stream.
var tail = []byte("\x00\x00\xff\xff\x01\x00\x00\xff\xff")

var compressors = sync.Pool{New: func() any {
	w, _ := flate.NewWriter(io.Discard, flate.BestSpeed) // the level is valid
	return w
}}

// deflate compresses a message.
func deflate(p []byte) []byte {
	w := compressors.Get().(*flate.Writer)
	defer compressors.Put(w)
	var out bytes.Buffer
	w.Reset(&out)
	w.Write(p)
	w.Flush()
	return bytes.TrimSuffix(out.Bytes(), tail[:4])
}

var decompressors = sync.Pool{New: func() any { return flate.NewReader(bytes.NewReader(nil)) }}

// inflate decompresses a message, to at most limit bytes.
func inflate(p []byte, limit int) ([]byte, error) {
	r := decompressors.Get().(io.ReadCloser)
	defer decompressors.Put(r)
	src := io.MultiReader(bytes.NewReader(p), bytes.NewReader(tail))
	if err := r.(flate.Resetter).Reset(src, nil); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	n, err := out.ReadFrom(io.LimitReader(r, int64(limit)+1))
	switch {
	case err != nil:
		return nil, wrong(InvalidData, "compressed data is corrupt")
	case n > int64(limit):
		return nil, wrong(TooBig, fmt.Sprintf("a message has more than %d bytes", limit))
	}
	return out.Bytes(), nil
}
