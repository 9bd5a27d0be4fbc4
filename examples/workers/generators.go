package main

import (
	"context"

	"github.com/aio-go/aio/coro"
)

// A generator is a coroutine that is given nothing and hands out nothing: it just stops in between.
type generator = coro.Coroutine[struct{}, struct{}, struct{}]

// generators lets the tasks take turns, by hand: each is a coroutine, and a loop of a few lines
// goes on with one after the other until all have ended.
func generators(_ context.Context, w *work) error {
	queue := amounts
	return takeTurns(counting(w, "One", &queue), counting(w, "Two", &queue))
}

func counting(w *work, name string, queue *[]int) *generator {
	return coro.New(func(yield coro.Yield[struct{}, struct{}], _ struct{}) (struct{}, error) {
		for len(*queue) > 0 {
			count := take(queue)
			w.printf("Task %s running\n", name)
			total := 0
			for range count {
				total++
				if _, err := yield(struct{}{}); err != nil {
					return struct{}{}, err
				}
			}
			w.printf("Task %s total: %d\n", name, total)
		}
		return struct{}{}, nil
	})
}

// takeTurns is all that an event loop is, without events.
func takeTurns(tasks ...*generator) error {
	defer func() {
		for _, task := range tasks { // after an error
			task.Close()
		}
	}()
	for len(tasks) > 0 {
		task := tasks[0]
		tasks = tasks[1:]
		if _, more := task.Resume(); more {
			tasks = append(tasks, task)
		} else if _, err := task.Result(); err != nil {
			return err
		}
	}
	return nil
}
