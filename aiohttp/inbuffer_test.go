package aiohttp

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// What is lent is read as if it had been copied, and is not looked at any more once it was kept.
func TestABufferGivesWhatCameWhetherItWasLentOrCopied(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		var b inBuffer
		var model, loan []byte
		next := byte(0)
		come := func() []byte {
			p := make([]byte, []int{0, 1, 100, firstBuffer, 20_000, pieceSize, 2 * pieceSize}[rnd.IntN(7)])
			for i := range p {
				p[i] = next
				next++
			}
			model = append(model, p...)
			return p
		}
		for step := range 100 {
			switch rnd.IntN(5) {
			case 0:
				b.write(come())
			case 1:
				loan = come()
				b.lend(loan)
			case 2:
				n := min(rnd.IntN(3*firstBuffer), len(model))
				b.discard(n)
				model = model[n:]
			case 3:
				p := make([]byte, rnd.IntN(3*firstBuffer))
				n := b.read(p)
				if !bytes.Equal(p[:n], model[:n]) {
					t.Fatalf("seed %d, step %d: %d bytes that were read are not what came", seed, step, n)
				}
				if rnd.IntN(2) == 0 {
					b.unread(p[:n])
				} else {
					model = model[n:]
				}
			case 4:
				b.keep()
				clear(loan)
			}
			if !bytes.Equal(b.bytes(), model) {
				t.Fatalf("seed %d, step %d: %d bytes are not the %d that came", seed, step, b.len(), len(model))
			}
		}
	}
}

func TestABodyThatIsTakenAtOnceIsNotAllocated(t *testing.T) {
	p, into := make([]byte, 20_000), make([]byte, 8192)
	var b inBuffer
	for name, take := range map[string]int{"all": 20_000, "a part, and the rest later": 100} {
		if n := testing.AllocsPerRun(100, func() {
			b.lend(p)
			b.discard(take)
			b.keep()
			for b.len() > 0 {
				b.read(into)
			}
		}); n >= 1 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
