package aio

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// goroutineStack is one goroutine of a stack dump.
type goroutineStack struct {
	state  string // as the runtime shows it: running, coroutine, chan receive ...
	frames []stackFrame
	task   uintptr // the task that runs or waits on it, 0 if none does
	loop   uintptr // the loop that it runs, 0 if none
}

type stackFrame struct {
	fn   string
	site string // file:line
}

func (f stackFrame) String() string { return f.fn + " " + f.site }

// maxDump bounds a stack dump: beyond it stacks are missing.
const maxDump = 16 << 20

// dumpStacks returns the stacks of the goroutines of the process. The world stands still while it is made.
func dumpStacks() []goroutineStack {
	buf := make([]byte, 64<<10)
	for {
		n := runtime.Stack(buf, true)
		if n < len(buf) || len(buf) >= maxDump {
			buf = buf[:n]
			break
		}
		buf = make([]byte, 4*len(buf))
	}
	var out []goroutineStack
	for text := range strings.SplitSeq(string(buf), "\n\n") {
		out = append(out, parseStack(text))
	}
	return out
}

func parseStack(text string) (g goroutineStack) {
	lines := strings.Split(text, "\n")
	if _, rest, ok := strings.Cut(lines[0], "["); ok {
		g.state, _, _ = strings.Cut(rest, "]")
		g.state, _, _ = strings.Cut(g.state, ",")
	}
	for i := 1; i+1 < len(lines); i += 2 {
		call, place := lines[i], strings.TrimSpace(lines[i+1])
		if strings.HasPrefix(call, "created by ") {
			break
		}
		open := strings.LastIndexByte(call, '(')
		if open < 0 {
			break
		}
		fn, args := call[:open], call[open+1:]
		place, _, _ = strings.Cut(place, " +0x")
		g.frames = append(g.frames, stackFrame{fn, filepath.Base(place)})
		switch fn {
		case taskFrame:
			g.task = firstPointer(args)
		case "github.com/aio-go/aio.(*Loop).run":
			g.loop = firstPointer(args)
			return g // the rest is whoever called Run
		}
	}
	return g
}

func firstPointer(args string) uintptr {
	first, _, _ := strings.Cut(strings.TrimSuffix(args, ")"), ",")
	n, _ := strconv.ParseUint(strings.TrimSuffix(first, "?"), 0, 64)
	return uintptr(n)
}

// user returns the frames that are not the runtime's, the standard library's waiting or this package's, innermost first.
func (g *goroutineStack) user() []stackFrame {
	var out []stackFrame
	for _, f := range g.frames {
		if !ownFrame(f.fn) {
			out = append(out, f)
		}
	}
	return out
}

func ownFrame(fn string) bool {
	for _, prefix := range []string{"runtime.", "runtime/", "internal/", "sync.", "time.", "syscall.", "iter.", "github.com/aio-go/aio.", "github.com/aio-go/aio/coro."} {
		if strings.HasPrefix(fn, prefix) {
			return true
		}
	}
	return false
}

func pointerOf[T any](p *T) uintptr {
	n, _ := strconv.ParseUint(fmt.Sprintf("%p", p), 0, 64)
	return uintptr(n)
}
