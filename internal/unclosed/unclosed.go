// Package unclosed keeps account of what programs have opened and not closed: how much there was of
// each kind, and in debug mode where it was opened.
package unclosed

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"sync/atomic"

	"github.com/aio-go/aio/internal/stacktext"
)

// Of this process so far: what the garbage collector found forgotten, and what was open when its
// loop was closed.
var Connections, Pipes, Endpoints, Sockets atomic.Int64

type ownerKey struct{}

// WithOwner returns a context for opening what belongs to an owner, the pipes of a process for
// example. Nobody need close them once over reports that the owner has ended. The loop calls over.
func WithOwner(ctx context.Context, over func() bool) context.Context {
	return context.WithValue(ctx, ownerKey{}, over)
}

// OwnerOver returns the function given to WithOwner, or nil.
func OwnerOver(ctx context.Context) func() bool {
	over, _ := ctx.Value(ownerKey{}).(func() bool)
	return over
}

// Site returns the line of the program that made a call to this module, "main.go:12", or "".
func Site() string {
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		f, more := frames.Next()
		if f.File != "" && !Ours(f) {
			return fmt.Sprintf("%s:%d", filepath.Base(f.File), f.Line)
		}
		if !more {
			return ""
		}
	}
}

// serverKey is the key of the line that made the server whose handler a context is for.
type serverKey struct{}

// WithServer returns a context for the handlers of a server that the calling program makes.
func WithServer(ctx context.Context) context.Context {
	return context.WithValue(ctx, serverKey{}, Site())
}

// ServerOf returns the line that made the server whose handler a task is, or of which it is a part.
// It is empty for others.
func ServerOf(task interface{ Value(key any) any }) string {
	site, _ := task.Value(serverKey{}).(string)
	return site
}

// Ours reports whether a frame is one of the library. Its tests, examples and tools are programs.
func Ours(f runtime.Frame) bool { return stacktext.Ours(f) }
