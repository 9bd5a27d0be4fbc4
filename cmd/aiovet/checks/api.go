package checks

import (
	"go/types"
	"strings"
)

// root is the package that the checks know by heart. What the functions of other packages do is
// learned from their bodies.
const root = "github.com/aio-go/aio"

// kind says how a function waits.
type kind uint8

const (
	never kind = iota
	awaits
	lazily // it returns a sequence that awaits
	dual   // it awaits in a task, and may be called on other goroutines, too
)

// place says where a function runs that is handed to another one.
type place uint8

const (
	unknown place = iota
	inTask        // in a task: the caller's, or one of its own
	inCallback
	offLoop  // on another goroutine
	inline   // within the caller, like its own statements
	wrapping // where the result of the call runs
)

var waits = map[string]kind{
	"Sleep": awaits, "Yield": awaits, "Task.Await": awaits, "Future.Await": awaits,
	"TaskOrFuture.Await": awaits, "Gather": awaits, "GatherSettled": awaits, "All": awaits,
	"Map":        awaits,
	"MapSettled": awaits, "Race": awaits, "Group": awaits, "GoReady": awaits, "Timeout": awaits,
	"TimeoutAt": awaits, "WaitFor": awaits, "Wait": awaits, "WaitTimeout": awaits, "Shield": awaits,
	"Recv": awaits, "Send": awaits, "Select": awaits, "ToThread": awaits, "Blocking": awaits,
	"Waiter.Park": awaits, "Line.Wait": awaits, "ThreadLimiter.AcquireFor": awaits,
	"AsCompleted": lazily,
	"Submit":      dual, "SubmitValue": dual, "TakeSnapshot": dual,
}

// asksWho are the calls of a function that may be called on any goroutine.
var asksWho = map[string]bool{
	"InTask": true, "Loop.IsHere": true, "Loop.IsRunning": true, "Loop.onLoop": true,
	"insideLoop": true,
}

// hands has the functions that are called elsewhere: the index of the argument, and where. All
// arguments from there on count.
var hands = map[string]struct {
	arg   int
	where place
}{
	root + ".Bind": {0, wrapping}, root + ".Bind2": {0, wrapping}, root + ".Bind3": {0, wrapping},
	root + ".Action":   {0, wrapping},
	root + ".ToThread": {1, offLoop}, root + ".Blocking": {1, offLoop},
	root + "/executor.Register": {1, offLoop},
	root + ".Loop.CallSoon": {
		0,
		inCallback,
	}, root + ".Loop.CallSoonThreadsafe": {0, inCallback},
	root + ".Loop.CallLater": {1, inCallback}, root + ".Loop.CallAt": {1, inCallback},
	root + ".Loop.AddReader": {1, inCallback}, root + ".Loop.AddWriter": {1, inCallback},
	root + ".Loop.AddSignalHandler": {1, inCallback}, root + ".Loop.NewTimer": {0, inCallback},
	root + ".Loop.Watch": {1, inCallback}, root + ".Loop.NewSource": {0, inCallback},
	root + ".AnyFuture.AddDoneCallback": {0, inCallback},
	root + ".core.AddDoneCallback":      {0, inCallback},
	"sync.Once.Do":                      {0, inline},
	"sync.WaitGroup.Go":                 {0, offLoop},
	"time.AfterFunc":                    {1, offLoop},
	"context.AfterFunc":                 {1, offLoop},
	"testing.T.Run":                     {1, offLoop},
	"testing.B.Run":                     {1, offLoop},
	"testing.B.RunParallel":             {0, offLoop},

	"golang.org/x/sync/errgroup.Group.Go":    {0, offLoop},
	"golang.org/x/sync/errgroup.Group.TryGo": {0, offLoop},
}

// ofAio reports whether a package is aio or belongs to it.
func ofAio(path string) bool { return path == root || strings.HasPrefix(path, root+"/") }

// nameOf returns "path.Name" or "path.Type.Name".
func nameOf(fn *types.Func) string {
	if fn.Pkg() == nil {
		return fn.Name()
	}
	return fn.Pkg().Path() + "." + shortName(fn)
}

// shortName returns "Name" or "Type.Name".
func shortName(fn *types.Func) string {
	recv := fn.Signature().Recv()
	if recv == nil {
		return fn.Name()
	}
	t := recv.Type()
	if p, ok := t.(*types.Pointer); ok {
		t = p.Elem()
	}
	switch t := types.Unalias(t).(type) {
	case *types.Named:
		return t.Obj().Name() + "." + fn.Name()
	case *types.TypeParam:
		return t.Obj().Name() + "." + fn.Name()
	}
	return fn.Name()
}

// display is how messages call a function.
func display(fn *types.Func) string {
	if fn.Pkg() == nil {
		return fn.Name()
	}
	return fn.Pkg().Name() + "." + shortName(fn)
}

// isContext reports whether t is context.Context.
func isContext(t types.Type) bool {
	named, ok := types.Unalias(t).(*types.Named)
	return ok && named.Obj().Name() == "Context" && comesFrom(named, "context")
}

// implementsContext reports whether a value of type t can be passed as a context.
func implementsContext(t types.Type) bool {
	if isContext(t) {
		return true
	}
	for _, m := range []string{"Deadline", "Done", "Err", "Value"} {
		if o, _, _ := types.LookupFieldOrMethod(t, true, nil, m); o == nil {
			return false
		}
	}
	return true
}

func isError(t types.Type) bool { return types.Identical(t, types.Universe.Lookup("error").Type()) }

// isSequence reports whether t is iter.Seq or iter.Seq2.
func isSequence(t types.Type) bool {
	named, ok := types.Unalias(t).(*types.Named)
	return ok && strings.HasPrefix(named.Obj().Name(), "Seq") && comesFrom(named, "iter")
}

func comesFrom(t *types.Named, path string) bool {
	return t.Obj().Pkg() != nil && t.Obj().Pkg().Path() == path
}

// inTable says where the argument i of a call of fn runs by the table.
func inTable(fn *types.Func, i int) (where place, known bool) {
	h, known := hands[nameOf(fn)]
	if !known || i < h.arg {
		return unknown, known
	}
	return h.where, true
}

// byType says where the argument i of a call of fn runs if nothing else is known: the functions
// that aio exports run functions with a context in a task.
func byType(fn *types.Func, i int) place {
	if fn.Pkg() == nil || !ofAio(fn.Pkg().Path()) || !fn.Exported() {
		return unknown
	}
	params := fn.Signature().Params()
	if i >= params.Len() {
		i = params.Len() - 1
	}
	if i < 0 {
		return unknown
	}
	t := params.At(i).Type()
	if s, ok := t.(*types.Slice); ok && fn.Signature().Variadic() {
		t = s.Elem()
	}
	sig, ok := t.Underlying().(*types.Signature)
	if ok && sig.Params().Len() > 0 && isContext(sig.Params().At(0).Type()) {
		return inTask
	}
	return unknown
}
