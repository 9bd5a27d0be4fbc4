package copylocks

import "github.com/aio-go/aio/aiosync"

type shared struct {
	lock  aiosync.Lock
	queue aiosync.Queue[int]
}

func copies(s *shared, event *aiosync.Event) {
	lock := s.lock       // want `assignment copies lock value to lock: github.com/aio-go/aio/aiosync.Lock`
	queue := s.queue     // want `assignment copies lock value to queue`
	byValue(*event)      // want `call of byValue copies lock value`
	_, _ = &lock, &queue // pointers are right
}

func byValue(aiosync.Event) {} // want `byValue passes lock by value`
