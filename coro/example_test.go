package coro_test

import (
	"errors"
	"fmt"

	"github.com/aio-go/aio/coro"
)

// A coroutine hands out values and gets values back, in turns with its driver.
func Example() {
	average := coro.New(func(yield coro.Yield[float64, float64], first float64) (int, error) {
		sum, n := first, 1
		for {
			v, err := yield(sum / float64(n))
			if err != nil {
				return n, nil // closed: say how many there were
			}
			sum, n = sum+v, n+1
		}
	})
	for _, v := range []float64{10, 20, 60} {
		mean, _ := average.Send(v)
		fmt.Println(mean)
	}
	average.Close()
	fmt.Println(average.Result())
	// Output:
	// 10
	// 15
	// 30
	// 3 <nil>
}

func ExampleCoroutine_Resume() {
	countdown := coro.New(func(yield coro.Yield[struct{}, int], _ struct{}) (string, error) {
		for i := 3; i > 0; i-- {
			if _, err := yield(i); err != nil {
				return "", err
			}
		}
		return "lift-off", nil
	})
	for n, ok := countdown.Resume(); ok; n, ok = countdown.Resume() {
		fmt.Println(n)
	}
	fmt.Println(countdown.Result())
	// Output:
	// 3
	// 2
	// 1
	// lift-off <nil>
}

func ExampleCoroutine_Throw() {
	c := coro.New(func(yield coro.Yield[string, string], _ string) (string, error) {
		answer, err := yield("question")
		if err != nil {
			return "nobody knows: " + err.Error(), nil
		}
		return answer, nil
	})
	fmt.Println(c.Resume())
	c.Throw(errors.New("the line is dead"))
	fmt.Println(c.Result())
	// Output:
	// question true
	// nobody knows: the line is dead <nil>
}

func ExampleCoroutine_Close() {
	c := coro.New(func(yield coro.Yield[int, int], _ int) (int, error) {
		defer fmt.Println("the file is closed")
		for i := 0; ; i++ {
			if _, err := yield(i); err != nil {
				return i, err
			}
		}
	})
	fmt.Println(c.Resume())
	fmt.Println(c.Close(), c.Status())
	// Output:
	// 0 true
	// the file is closed
	// <nil> finished
}

func ExampleNewFrom() {
	pool := &coro.Pool{Max: 10} // stacks are ten times dearer to make than to use again
	defer pool.Close()
	total := 0
	for i := range 1000 {
		c := coro.NewFrom(pool, func(_ coro.Yield[int, int], n int) (int, error) { return n, nil })
		c.Send(i)
		n, _ := c.Result()
		total += n
	}
	fmt.Println(total, "with", pool.Idle(), "stack")
	// Output: 499500 with 1 stack
}
