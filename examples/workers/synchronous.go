package main

import "context"

// synchronous calls the tasks one after the other. The first has done all the work when the second
// gets its turn.
func synchronous(_ context.Context, w *work) error {
	queue := amounts
	for _, name := range []string{"One", "Two"} {
		countAll(w, name, &queue)
	}
	return nil
}

func countAll(w *work, name string, queue *[]int) {
	if len(*queue) == 0 {
		w.printf("Task %s nothing to do\n", name)
	}
	for len(*queue) > 0 {
		count := take(queue)
		w.printf("Task %s running\n", name)
		total := 0
		for range count {
			total++
		}
		w.printf("Task %s total: %d\n", name, total)
	}
}

// take takes the next piece of work out of the queue.
func take(queue *[]int) int {
	next := (*queue)[0]
	*queue = (*queue)[1:]
	return next
}
