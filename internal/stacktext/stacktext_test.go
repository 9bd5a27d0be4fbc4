package stacktext

import (
	"strings"
	"testing"
)

const stack = `goroutine 21 [running]:
runtime/debug.Stack()
	/go/src/runtime/debug/stack.go:26 +0x5e
github.com/aio-go/aio.(*taskCore).panicked(0x1, {0x2, 0x3})
	/aio/task_worker.go:369 +0x7e
panic({0x53bf00?, 0x696790?})
	/go/src/runtime/panic.go:860 +0x13a
main.inner(...)
	/shop/main.go:12
main.work({0x578a48?, 0x22bf03e12180?})
	/shop/main.go:22 +0x37
github.com/aio-go/aio.Group({0x578a48, 0x22bf03e120e0}, 0x575cf8)
	/aio/scope_group.go:61 +0x70
github.com/aio-go/aio.group({0x578a48, 0x22bf03e120e0}, 0x575cf8)
	/aio/scope_group.go:92 +0x70
net/http.HandlerFunc.ServeHTTP(0x1)
	/go/src/net/http/server.go:1 +0x1
github.com/aio-go/aio_test.TestX(0x1)
	/aio/x_test.go:5 +0x1
github.com/aio-go/aio/coro.(*Stack).serve(0x22bf03e02140, 0x22bf03e401e0)
	/aio/coro/stack.go:174 +0xbd
created by iter.Pull[...] in goroutine 20
	/go/src/iter/iter.go:271 +0x90

re-panicked in task main:
goroutine 1 [running]:
github.com/aio-go/aio.(*Loop).run(0x22bf03e42008)
	/aio/loop_schedule.go:138 +0x1b8
`

const want = `goroutine 21 [running]:
main.inner(...)
	/shop/main.go:12
main.work({0x578a48?, 0x22bf03e12180?})
	/shop/main.go:22 +0x37
... 2 frames of aio and the runtime ...
net/http.HandlerFunc.ServeHTTP(0x1)
	/go/src/net/http/server.go:1 +0x1
github.com/aio-go/aio_test.TestX(0x1)
	/aio/x_test.go:5 +0x1
... 2 frames of aio and the runtime ...

re-panicked in task main:
goroutine 1 [running]:
github.com/aio-go/aio.(*Loop).run(0x22bf03e42008)
	/aio/loop_schedule.go:138 +0x1b8
`

func TestTheFramesOfTheProgramComeFirst(t *testing.T) {
	if got := Brief(stack); got != want {
		t.Errorf("it is\n%s\nwant\n%s", got, want)
	}
}

func TestWhatIsNoStackStaysAsItIs(t *testing.T) {
	for _, text := range []string{"", "\n", "boom", "a\nb\n", "\tx\n", "goroutine 1 [running]:\nf()\n\tx.go"} {
		if got := Brief(text); got != text {
			t.Errorf("%q becomes %q", text, got)
		}
	}
	if got := Brief(strings.Repeat("x\n", 3)); got != "x\nx\nx\n" {
		t.Error(got)
	}
}
