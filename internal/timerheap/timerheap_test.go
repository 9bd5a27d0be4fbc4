package timerheap

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

func all[T any](*Entry[T]) bool { return true }

func drain(h *Heap[int]) (out []Entry[int]) {
	for h.Len() > 0 {
		h.Settle(all)
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

func TestNoEntryIsDueBeforeTheEarliestTime(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	var h Heap[int]
	exact := 0
	for i := range 10_000 {
		switch n := rng.IntN(10); {
		case n < 6 || h.Len() == 0:
			h.Push(Entry[int]{When: rng.Int64N(1000), Seq: uint64(i), Item: rng.IntN(3)})
		case n < 9:
			h.Settle(all)
			h.Pop()
		default:
			h.Compact(func(e *Entry[int]) bool { return e.Item != 0 || rng.IntN(4) > 0 })
		}
		if h.Len() == 0 {
			continue
		}
		first := int64(1000)
		for e := range h.All() {
			first = min(first, e.When)
		}
		if at := h.Earliest(); at > first {
			t.Fatalf("Earliest is %d, and an entry is due at %d", at, first)
		} else if at == first {
			exact++
		}
	}
	if exact < 5000 {
		t.Errorf("the time was exact in %d of 10,000 cases", exact)
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

func TestEntriesAddedWhileOthersLeaveTakeTheirPlace(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	var h Heap[int]
	var model []Entry[int]
	for i := range 50_000 {
		if rng.IntN(5) < 3 || len(model) == 0 {
			e := Entry[int]{When: rng.Int64N(1000) + int64(i/10), Seq: uint64(i), Item: i}
			h.Push(e)
			at, _ := slices.BinarySearchFunc(model, e, inOrder)
			model = slices.Insert(model, at, e)
			continue
		}
		h.Settle(all)
		if got := h.Pop(); got != model[0] {
			t.Fatalf("step %d: popped %v, want %v", i, got, model[0])
		}
		if model = model[1:]; h.Len() != len(model) {
			t.Fatalf("step %d: %d entries, want %d", i, h.Len(), len(model))
		}
	}
}

func TestWhatIsDeadBeforeItIsDueNeverEntersTheHeap(t *testing.T) {
	var h Heap[int]
	for i := range 10 {
		h.Push(Entry[int]{When: int64(10 - i), Seq: uint64(i), Item: i % 2})
	}
	if dropped := h.Settle(func(e *Entry[int]) bool { return e.Item == 0 }); dropped != 5 ||
		h.Len() != 5 {
		t.Fatalf("%d dropped, %d left, want 5 and 5", dropped, h.Len())
	}
	h.Push(Entry[int]{When: 100, Seq: 100, Item: 1})
	if dropped := h.Settle(func(e *Entry[int]) bool { return e.Item == 0 }); dropped != 0 ||
		h.Len() != 6 {
		t.Fatalf("%d dropped, %d left, want 0 and 6: the new entry is not due first", dropped, h.Len())
	}
}

func BenchmarkHold(b *testing.B) {
	for _, size := range []int{100, 10_000, 1_000_000} {
		b.Run(map[int]string{100: "timers=100", 10_000: "timers=10k", 1_000_000: "timers=1M"}[size],
			func(b *testing.B) {
				rng := rand.New(rand.NewPCG(7, 8))
				var h Heap[*int]
				for i := range size {
					h.Push(Entry[*int]{When: rng.Int64N(1 << 40), Seq: uint64(i)})
				}
				seq := uint64(size)
				for b.Loop() {
					h.Settle(all)
					e := h.Pop()
					e.When += rng.Int64N(1 << 40)
					e.Seq = seq
					seq++
					h.Push(e)
				}
			})
	}
}

func TestAllYieldsEveryEntryOnceWhereverItStands(t *testing.T) {
	var h Heap[int]
	for i := range 20 {
		h.Push(Entry[int]{When: int64(20 - i), Seq: uint64(i), Item: i})
		if i == 9 {
			h.Settle(all) // ten in the heap, ten beside it
		}
	}
	var got []int
	for e := range h.All() {
		got = append(got, e.Item)
	}
	slices.Sort(got)
	if len(got) != 20 || len(slices.Compact(got)) != 20 {
		t.Errorf("got %v", got)
	}
	n := 0
	for range h.All() {
		if n++; n == 15 {
			break
		}
	}
	if n != 15 {
		t.Errorf("%d entries before the break", n)
	}
}
