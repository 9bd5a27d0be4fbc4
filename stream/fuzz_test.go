package stream_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/stream"
)

// feedIn hands data to r in pieces whose sizes come from cuts, one a pass of the loop, and then the
// end.
func feedIn(ctx context.Context, r *stream.Reader, data, cuts []byte) {
	aio.Start(ctx, func(ctx context.Context) error {
		for len(data) > 0 {
			n := len(data)
			if len(cuts) > 0 {
				n = min(n, int(cuts[0])%32+1)
				cuts = cuts[1:]
			}
			r.FeedData(data[:n])
			data = data[n:]
			if err := aio.Yield(ctx); err != nil {
				return err
			}
		}
		r.FeedEOF()
		return nil
	})
}

// isLong reports whether an input is not worth trying. The fuzzer looks for a shorter form of each
// input that is new, in a time that grows with the square of the length, and tries no other input
// meanwhile.
func isLong(parts ...[]byte) bool {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	return n > 64
}

// fuzzing runs main in a loop; it bounds nothing, the fuzzer does.
func fuzzing(t *testing.T, main func(ctx context.Context)) {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		main(ctx)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// However the data is cut, the lines are those of bytes.Lines; with a small limit none is longer,
// and the reader comes to the end.
func FuzzReadLine(f *testing.F) {
	f.Add([]byte("one\ntwo\r\n\n\nlast"), []byte{0, 1, 2, 3, 31})
	f.Add([]byte(""), []byte{})
	f.Add(bytes.Repeat([]byte("x"), 60), []byte{7, 7, 7})
	f.Fuzz(func(t *testing.T, data, cuts []byte) {
		if isLong(data, cuts) {
			return
		}
		var want [][]byte
		for line := range bytes.Lines(data) {
			want = append(want, line)
		}
		fuzzing(t, func(ctx context.Context) {
			r := stream.NewReader(len(data) + 1)
			feedIn(ctx, r, data, cuts)
			i := 0
			for line, err := range r.Lines(ctx) {
				if err != nil || i == len(want) || !bytes.Equal(line, want[i]) {
					t.Fatalf("line %d is %q, %v", i, line, err)
				}
				i++
			}
			if i != len(want) || !r.AtEOF() {
				t.Fatalf("%d lines, want %d", i, len(want))
			}

			const limit = 8
			r = stream.NewReader(limit)
			feedIn(ctx, r, data, cuts)
			for total := 0; ; {
				line, err := r.ReadLine(ctx)
				if err == io.EOF {
					break
				}
				if err != nil && !errors.Is(err, stream.ErrLimit) {
					t.Fatal(err)
				}
				if total += len(line); len(bytes.TrimSuffix(line, []byte("\n"))) > limit || total > len(data) {
					t.Fatalf("a line of %d bytes, %d in all", len(line), total)
				}
			}
		})
	})
}

// However the data is cut, ReadUntil ends where the first separator to be complete ends.
func FuzzReadUntil(f *testing.F) {
	f.Add([]byte("a--b-c---d"), []byte("--"), []byte("-c"), []byte{0, 0, 0})
	f.Add([]byte("aaaab"), []byte("aab"), []byte("ab"), []byte{})
	f.Add([]byte("\r\n\n\r\n"), []byte("\r\n"), []byte("\n"), []byte{0})
	f.Fuzz(func(t *testing.T, data, one, two, cuts []byte) {
		if len(one) == 0 || len(two) == 0 || isLong(data, one, two, cuts) {
			return
		}
		fuzzing(t, func(ctx context.Context) {
			r := stream.NewReader(len(data) + 1)
			feedIn(ctx, r, data, cuts)
			for rest := data; ; {
				end := -1
				for i := range rest {
					if p := rest[:i+1]; bytes.HasSuffix(p, one) || bytes.HasSuffix(p, two) {
						end = i + 1
						break
					}
				}
				got, err := r.ReadUntil(ctx, one, two)
				if end < 0 {
					var incomplete *stream.IncompleteReadError
					if !errors.As(err, &incomplete) || !bytes.Equal(incomplete.Partial, rest) {
						t.Fatalf("at the end %q, %v; want %q", got, err, rest)
					}
					return
				}
				if err != nil || !bytes.Equal(got, rest[:end]) {
					t.Fatalf("read %q, %v, want %q", got, err, rest[:end])
				}
				rest = rest[end:]
			}
		})
	})
}

// However the data is cut, the frames are those a plain parser finds, up to the same failure.
func FuzzReadFrame(f *testing.F) {
	f.Add([]byte("\x03one\x00\x05three"), []byte{1, 2}, uint8(0))
	f.Add([]byte("\x00\x00\x00\x02hi\x00"), []byte{0, 0, 0}, uint8(2))
	f.Add([]byte("\x82\x00hi\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), []byte{}, uint8(4))
	f.Fuzz(func(t *testing.T, data, cuts []byte, kind uint8) {
		if isLong(data, cuts) {
			return
		}
		prefix := allPrefixes[int(kind)%len(allPrefixes)]
		const limit = 64
		fuzzing(t, func(ctx context.Context) {
			r := stream.NewReader(limit)
			feedIn(ctx, r, data, cuts)
			for rest := data; ; {
				size, n := plainPrefix(prefix, rest)
				got, err := r.ReadFrame(ctx, prefix)
				switch {
				case n < 0:
					if err != stream.ErrPrefix {
						t.Fatalf("got %v, want ErrPrefix", err)
					}
					return
				case n > 0 && size > limit:
					if !errors.Is(err, stream.ErrFrameSize) {
						t.Fatalf("got %v for a frame of %d", err, size)
					}
					return
				case n == 0 || uint64(len(rest)-n) < size:
					if len(rest) == 0 && err != io.EOF || len(rest) > 0 && !errors.Is(err, stream.ErrIncomplete) {
						t.Fatalf("got %v with %d bytes left", err, len(rest))
					}
					return
				}
				if err != nil || !bytes.Equal(got, rest[n:n+int(size)]) {
					t.Fatalf("read %q, %v, want %q", got, err, rest[n:n+int(size)])
				}
				rest = rest[n+int(size):]
			}
		})
	})
}

// plainPrefix is binary.Uvarint for every kind of prefix.
func plainPrefix(prefix stream.Prefix, p []byte) (size uint64, n int) {
	if prefix == stream.PrefixVarint {
		size, n = binary.Uvarint(p)
		if n == 0 && len(p) >= binary.MaxVarintLen64 {
			n = -1
		}
		return size, n
	}
	n = int(prefix &^ stream.LittleEndian)
	if len(p) < n {
		return 0, 0
	}
	for i := range n {
		if prefix&stream.LittleEndian != 0 {
			size |= uint64(p[i]) << (8 * i)
		} else {
			size = size<<8 | uint64(p[i])
		}
	}
	return size, n
}
