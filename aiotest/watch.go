package aiotest

import (
	"path/filepath"
	"runtime"
	"strings"
)

// watch looks for goroutines that the program has started beside the loop.
type watch struct {
	before map[string]bool // those that were there at first
	found  []string        // the lines that started others, "x_test.go:12"
	buf    []byte
}

// maxWatched is before how many steps of a run goroutines are looked for.
const maxWatched = 100

const strangeText = "a goroutine is none of the loop's; use tasks, or aio.ToThread"

func newWatch() *watch {
	w := &watch{buf: make([]byte, 1<<18)}
	before := map[string]bool{}
	w.each(func(id, _ string) { before[id] = true })
	w.before = before
	return w
}

// each calls fn with the number and the stack of each goroutine.
func (w *watch) each(fn func(id, text string)) {
	text := string(w.buf[:runtime.Stack(w.buf, true)])
	for g := range strings.SplitSeq(text, "\n\n") {
		id, _, _ := strings.Cut(g, " [")
		fn(id, g)
	}
}

func (w *watch) look() {
	if runtime.NumGoroutine() <= len(w.before) {
		return
	}
	w.each(func(id, text string) {
		_, by, ok := strings.Cut(text, "\ncreated by ")
		name, at, ok2 := strings.Cut(by, "\n\t")
		if w.before[id] || !ok || !ok2 {
			return
		}
		w.before[id] = true
		name, _, _ = strings.Cut(name, " in goroutine ")
		at, _, _ = strings.Cut(at, " +0x")
		file := at[:max(0, strings.LastIndexByte(at, ':'))]
		if !ours(runtime.Frame{Function: name, File: file}) {
			w.found = append(w.found, filepath.Base(at))
		}
	})
}
