package aiotest

import "github.com/aio-go/aio"

// Bytes runs one schedule, which data says: a byte a choice, and the plain order when they are used
// up. It lets go test -fuzz look for orders:
//
//	f.Fuzz(func(t *testing.T, data []byte) {
//		aiotest.Explore(t, program, aiotest.With(aiotest.Bytes(data)))
//	})
func Bytes(data []byte) Strategy {
	return Strategy{"bytes", func(*config) strategy { return &bytes{data: data} }}
}

type bytes struct {
	data  []byte
	begun bool
}

func (b *bytes) begin() bool {
	first := !b.begun
	b.begun = true
	return first
}

// choose takes 0 as the plain order, so that data of zeros is no departure.
func (b *bytes) choose(ready []aio.Entry, plain int) int {
	if len(b.data) == 0 {
		return plain
	}
	next := int(b.data[0])
	b.data = b.data[1:]
	return (plain + next) % len(ready)
}

func (b *bytes) end(int) {}
