package aiter

import (
	"errors"

	"github.com/aio-go/aio/coro"
)

var (
	// ErrStopIteration is returned at the end of a sequence by [Iterator.Next] and
	// [Generator.Next]. A body of a generator that returns it ends without an error.
	// asyncio: StopAsyncIteration.
	ErrStopIteration = errors.New("aiter: the iteration has ended")

	// ErrClosed is returned by the yield of a [Generator] when the generator is closed. The body
	// should clean up and return. Python: GeneratorExit.
	ErrClosed = coro.ErrClosed

	// ErrIgnoredClose is returned by [Generator.Close] if the body yielded once more instead of
	// ending. The body was ended there.
	ErrIgnoredClose = errors.New(
		"aiter: the generator ignored that it was closed and yielded once more")

	// ErrSuppress is returned by the Exit of a [Manager] to swallow the error of the body: [With]
	// then returns nil. No function of this package returns it. Python: an __aexit__ that returns
	// True.
	ErrSuppress = errors.New("aiter: suppress the error")
)

// errLeft is the reason for the cancellation of an iteration's tasks.
var errLeft = errors.New("aiter: the iteration was left")

func misuse(op, problem string) string { return "aiter: " + op + ": " + problem }

func mustBe(ok bool, op, problem string) {
	if !ok {
		panic(misuse(op, problem))
	}
}
