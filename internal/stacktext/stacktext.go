// Package stacktext makes the stack of a panic short: the frames of the program stay, those of the
// library and the runtime between them become one line.
package stacktext

import (
	"fmt"
	"runtime"
	"strings"
)

// Brief shortens the text of one or more stacks, as debug.Stack prints them, with a line between
// them that says where each was taken. A stack without a frame of the program stays as it is.
func Brief(stacks string) string {
	var b strings.Builder
	for lines := strings.SplitAfter(stacks, "\n"); len(lines) > 0; {
		var frames []frame
		n := 0
		for n+1 < len(lines) && strings.HasPrefix(lines[n+1], "\t") {
			frames = append(frames, frame{lines[n], lines[n+1]})
			n += 2
		}
		if n == 0 { // a line about the stack below it
			b.WriteString(lines[0])
			lines = lines[1:]
			continue
		}
		write(&b, frames)
		lines = lines[n:]
	}
	return b.String()
}

// frame is a frame as debug.Stack prints it: the call, and the line of the source.
type frame struct{ call, at string }

func write(b *strings.Builder, frames []frame) {
	own := 0
	for _, f := range frames {
		if !f.inside() {
			own++
		}
	}
	left, begun := 0, false
	leave := func() {
		if left > 0 && begun { // above the first frame of the program nothing is of interest
			fmt.Fprintf(b, "... %d frames of aio and the runtime ...\n", left)
		}
		left = 0
	}
	for _, f := range frames {
		if own > 0 && f.inside() {
			left++
			continue
		}
		leave()
		begun = true
		b.WriteString(f.call + f.at)
	}
	leave()
}

// inside reports whether the frame is one of the library or of the runtime below it.
func (f frame) inside() bool {
	name := strings.TrimPrefix(f.call, "created by ")
	if strings.HasPrefix(name, "panic(") {
		return true
	}
	for _, pkg := range []string{"runtime.", "runtime/debug.", "iter."} {
		if strings.HasPrefix(name, pkg) {
			return true
		}
	}
	if i := strings.LastIndexByte(name, '('); i > 0 && !strings.HasPrefix(f.call, "created by ") {
		name = name[:i]
	}
	file, _, _ := strings.Cut(strings.TrimSpace(f.at), ".go:")
	return Ours(runtime.Frame{Function: name, File: file + ".go"})
}

const module = "github.com/aio-go/aio"

// Ours reports whether a frame is one of the library. Its tests, examples and tools are programs.
func Ours(f runtime.Frame) bool {
	rest, ok := strings.CutPrefix(f.Function, module)
	if !ok || strings.HasSuffix(f.File, "_test.go") {
		return false
	}
	pkg, _, _ := strings.Cut(strings.TrimPrefix(rest, "/"), ".")
	for _, program := range []string{"examples", "bench", "cmd", "internal/cmd", "docs"} {
		if pkg == program || strings.HasPrefix(pkg, program+"/") {
			return false
		}
	}
	return true
}
