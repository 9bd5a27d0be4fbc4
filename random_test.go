package aio_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/aio-go/aio"
)

func TestRandomNumbersAreTheSameInEachRunUnderAVirtualClock(t *testing.T) {
	numbers := func(opts ...aio.Option) (n [4]uint64) {
		aio.Run(t.Context(), func(ctx context.Context) error {
			for i := range n {
				n[i] = aio.RunningLoop(ctx).Rand().Uint64()
			}
			return nil
		}, opts...)
		return n
	}
	a, b := numbers(aio.WithClock(aio.NewVirtualClock())), numbers(aio.WithClock(aio.NewVirtualClock()))
	if a != b || a[0] == a[1] {
		t.Error(a, b)
	}
	if a, b := numbers(), numbers(); a == b {
		t.Error("two runs by the machine's clock have the same numbers: ", a)
	}
}

func ExampleLoop_Rand() {
	roll := func() (dice []int) {
		aio.Run(context.Background(), func(ctx context.Context) error {
			for range 10 {
				dice = append(dice, 1+aio.RunningLoop(ctx).Rand().IntN(6))
			}
			return nil
		}, aio.WithClock(aio.NewVirtualClock()))
		return dice
	}
	first := roll()
	fmt.Println(slices.Equal(roll(), first))
	// Output: true
}
