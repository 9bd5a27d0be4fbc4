package ring

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestItemsComeOutInTheOrderOfASlice(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var r Ring[int]
	var model []int
	for i := range 100_000 {
		switch op := rng.IntN(10); {
		case op < 5:
			r.Push(i)
			model = append(model, i)
		case op == 5:
			r.PushFront(i)
			model = slices.Insert(model, 0, i)
		case len(model) == 0:
		case op < 9:
			if got := r.Pop(); got != model[0] {
				t.Fatalf("step %d: popped %d, want %d", i, got, model[0])
			}
			model = model[1:]
		default:
			k := rng.IntN(len(model))
			if got := r.RemoveAt(k); got != model[k] {
				t.Fatalf("step %d: removed %d at %d, want %d", i, got, k, model[k])
			}
			model = slices.Delete(model, k, k+1)
		}
		if r.Len() != len(model) {
			t.Fatalf("step %d: length %d, want %d", i, r.Len(), len(model))
		}
	}
	for i, want := range model {
		if got := r.At(i); got != want {
			t.Fatalf("item %d is %d, want %d", i, got, want)
		}
	}
}

func TestAPoppedItemIsNotKeptAlive(t *testing.T) {
	var r Ring[*int]
	r.Push(new(int))
	r.Pop()
	for i, p := range r.buf {
		if p != nil {
			t.Fatalf("slot %d still holds a pointer", i)
		}
	}
	r.Push(new(int))
	r.Clear()
	if r.Len() != 0 || r.buf != nil {
		t.Fatalf("after Clear the ring holds %d items in %d slots", r.Len(), len(r.buf))
	}
}

func BenchmarkPushPop(b *testing.B) {
	var r Ring[any]
	for b.Loop() {
		r.Push(nil)
		r.Pop()
	}
}

func TestARingGivesItsMemoryToAnother(t *testing.T) {
	for _, n := range []int{5, 5000} {
		var from, to Ring[*int]
		for range n {
			from.Push(new(int))
		}
		size := len(from.buf)
		from.GiveTo(&to)
		if from.Len() != 0 || to.Len() != 0 || len(from.buf) != 0 {
			t.Errorf("%d and %d items are left", from.Len(), to.Len())
		}
		if n == 5 && len(to.buf) != size || n == 5000 && len(to.buf) != 0 {
			t.Errorf("of %d places %d were given", size, len(to.buf))
		}
		for _, p := range to.buf {
			if p != nil {
				t.Error("an item was given along")
			}
		}
		to.Push(new(int))
		from.Push(new(int))
	}
}
