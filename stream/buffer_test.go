package stream

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

func TestABufferIsAQueue(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		var b buffer
		var in, out []byte
		for range 100 {
			if rng.IntN(2) == 0 {
				p := make([]byte, rng.IntN(20_000))
				for i := range p {
					p[i] = byte(rng.Uint32())
				}
				b.Write(p)
				in = append(in, p...)
			} else {
				switch n := rng.IntN(b.Len() + 1); rng.IntN(3) {
				case 0:
					p := make([]byte, n+rng.IntN(2))
					out = append(out, p[:b.Read(p)]...)
				case 1:
					out = append(out, b.Next(n)...)
				case 2:
					out = append(out, b.Bytes()[:n]...)
					b.Discard(n)
				}
			}
			if b.Len() != len(in)-len(out) {
				t.Fatalf("Len %d, want %d", b.Len(), len(in)-len(out))
			}
		}
		out = append(out, b.Next(b.Len())...)
		if !bytes.Equal(in, out) {
			t.Fatal("what came out is not what went in")
		}
		if b.data != nil || b.piece != nil {
			t.Fatal("an empty buffer holds memory")
		}
	}
}

func TestABufferThatIsReadInStepDoesNotGrow(t *testing.T) {
	var b buffer
	b.Write(make([]byte, 10_000))
	for range 1000 {
		b.Write(make([]byte, 5000))
		b.Discard(5000)
	}
	if cap(b.data) > 64<<10 {
		t.Errorf("for 10000 bytes it holds %d", cap(b.data))
	}
}

// Under the race detector sync.Pool forgets things on purpose; AllocsPerRun rounds that down.
func TestASteadyFlowThroughABufferAllocatesNothing(t *testing.T) {
	var b buffer
	p := make([]byte, 1024)
	n := testing.AllocsPerRun(100, func() {
		b.Write(p)
		b.Read(p)
	})
	if n > 0.5 {
		t.Errorf("%v allocations, want none", n)
	}
}

func TestSearchFindsTheSeparatorThatEndsFirst(t *testing.T) {
	for _, c := range []struct {
		data       string
		from       int
		seps       []string
		start, end int
	}{
		{"", 0, []string{"\n"}, -1, 0},
		{"abc", 0, []string{"\n"}, -1, 3},
		{"abc\n", 0, []string{"\n"}, 3, 4},
		{"abc\n", 3, []string{"\n"}, 3, 4},
		{"ab--c", 0, []string{"--"}, 2, 4},
		{"ab-", 0, []string{"--"}, -1, 2},
		{"ab-", 2, []string{"--"}, -1, 2},
		{"a\r\nb\n", 0, []string{"\n", "\r\n"}, 2, 3},
		{"a\r\nb\n", 0, []string{"\r\n", "\n"}, 1, 3},
		{"axyzb", 0, []string{"xyz", "y"}, 2, 3},
		{"axyzb", 0, []string{"yz", "xyz"}, 2, 4},
		{"abcde", 0, []string{"x", "wxyz"}, -1, 2},
	} {
		var b buffer
		b.Write([]byte("?" + c.data))
		b.Discard(1)
		if c.data == "" {
			b = buffer{}
		}
		var seps [][]byte
		for _, s := range c.seps {
			seps = append(seps, []byte(s))
		}
		if start, end := b.search(c.from, seps...); start != c.start || end != c.end {
			t.Errorf("%q from %d for %q: %d, %d, want %d, %d",
				c.data, c.from, c.seps, start, end, c.start, c.end)
		}
	}
}

func FuzzReadingInAnyPiecesGivesWhatWasFed(f *testing.F) {
	f.Add([]byte("one\ntwo\r\nthree"), uint8(3))
	f.Add([]byte("\n\n"), uint8(1))
	f.Add(bytes.Repeat([]byte("x"), 5000), uint8(200))
	f.Fuzz(func(t *testing.T, data []byte, step uint8) {
		var b buffer
		var got []byte
		from := 0
		for rest := data; len(rest) > 0; {
			n := min(int(step)+1, len(rest))
			b.Write(rest[:n])
			rest = rest[n:]
			for {
				start, end := b.search(from, []byte("\n"), []byte("\r\n"))
				if start < 0 {
					from = end
					break
				}
				from = 0
				line := b.Next(end)
				if i := bytes.IndexByte(line, '\n'); i != len(line)-1 {
					t.Fatalf("line %q", line)
				}
				got = append(got, line...)
			}
		}
		got = append(got, b.Next(b.Len())...)
		if !bytes.Equal(got, data) {
			t.Fatalf("got %q", got)
		}
	})
}
