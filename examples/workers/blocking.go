package main

import (
	"context"
	"time"

	"github.com/aio-go/aio/coro"
)

// blocking takes turns as generators does, but each piece of work is a call that blocks. While one
// task is in it the other cannot go on.
func blocking(_ context.Context, w *work) error {
	queue := amounts
	total := w.clock.Stopwatch()
	if err := takeTurns(sleepingIn(w, "One", &queue), sleepingIn(w, "Two", &queue)); err != nil {
		return err
	}
	w.printf("\nTotal elapsed time: %.1f\n", total().Seconds())
	return nil
}

func sleepingIn(w *work, name string, queue *[]int) *generator {
	return coro.New(func(yield coro.Yield[struct{}, struct{}], _ struct{}) (struct{}, error) {
		for len(*queue) > 0 {
			delay := time.Duration(take(queue)) * time.Second
			w.printf("Task %s running\n", name)
			elapsed := w.clock.Stopwatch()
			w.clock.Block(delay) // time.Sleep
			w.printf("Task %s elapsed time: %.1f\n", name, elapsed().Seconds())
			if _, err := yield(struct{}{}); err != nil {
				return struct{}{}, err
			}
		}
		return struct{}{}, nil
	})
}
