package timerheap

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

func drain(h *Heap[int]) (out []Entry[int]) {
	for h.Len() > 0 {
		min := *h.Min()
		e := h.Pop()
		if min != e {
			panic("Min and Pop disagree")
		}
		out = append(out, e)
	}
	return out
}

func inOrder(a, b Entry[int]) int {
	return cmp.Or(cmp.Compare(a.When, b.When), cmp.Compare(a.Seq, b.Seq))
}

func TestEntriesLeaveByDeadlineAndEqualOnesByAge(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for size := range 300 {
		var h Heap[int]
		var want []Entry[int]
		for i := range size {
			e := Entry[int]{When: rng.Int64N(20) - 10, Seq: uint64(i), Item: i}
			h.Push(e)
			want = append(want, e)
		}
		slices.SortFunc(want, inOrder)
		if got := drain(&h); !slices.Equal(got, want) {
			t.Fatalf("size %d: got %v, want %v", size, got, want)
		}
	}
}

func TestCompactKeepsOnlyWhatItIsToldTo(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for size := range 200 {
		var h Heap[int]
		var want []Entry[int]
		for i := range size {
			e := Entry[int]{When: rng.Int64N(50), Seq: uint64(i), Item: rng.IntN(3)}
			h.Push(e)
			if e.Item != 0 {
				want = append(want, e)
			}
		}
		h.Compact(func(e *Entry[int]) bool { return e.Item != 0 })
		slices.SortFunc(want, inOrder)
		if got := drain(&h); !slices.Equal(got, want) {
			t.Fatalf("size %d: got %v, want %v", size, got, want)
		}
	}
}

func BenchmarkHold(b *testing.B) {
	for _, size := range []int{100, 10_000, 1_000_000} {
		b.Run(map[int]string{100: "timers=100", 10_000: "timers=10k", 1_000_000: "timers=1M"}[size], func(b *testing.B) {
			rng := rand.New(rand.NewPCG(7, 8))
			var h Heap[*int]
			for i := range size {
				h.Push(Entry[*int]{When: rng.Int64N(1 << 40), Seq: uint64(i)})
			}
			seq := uint64(size)
			for b.Loop() {
				e := h.Pop()
				e.When += rng.Int64N(1 << 40)
				e.Seq = seq
				seq++
				h.Push(e)
			}
		})
	}
}
