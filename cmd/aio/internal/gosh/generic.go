package gosh

import (
	"context"
	"fmt"
	"iter"
	"reflect"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/aiter"
)

// generic has what has type parameters, as functions and types of any. Where aio takes a function,
// these take one of any form that toFunc knows.
var generic = map[string]map[string]any{
	"aio": {
		"Func": (*aio.Func[any])(nil), "Seq": (*iter.Seq2[any, error])(nil),
		"Task":   (*aio.Task[any])(nil),
		"Future": (*aio.Future[any])(nil), "Outcome": (*aio.Outcome[any])(nil),
		"CreateTask": createTask, "NewFuture": aio.NewFuture[any], "GoValue": goValue,
		"All": all, "Race": race, "Map": mapItems, "Gather": gather, "GatherSettled": gatherSettled,
		"Wait": wait, "WaitTimeout": waitTimeout, "AsCompleted": asCompleted, "Shield": shield,
		"WaitFor": waitFor, "ToThread": toThread, "Bind": bind,
		"Recv": aio.Recv[any], "Send": aio.Send[any], "OnRecv": aio.OnRecv[any],
		"OnSend": aio.OnSend[any],
	},
	"aiosync": {
		"Queue": (*aiosync.Queue[any])(nil), "NewQueue": aiosync.NewQueue[any],
		"NewLifoQueue":     aiosync.NewLifoQueue[any],
		"NewPriorityQueue": aiosync.NewPriorityQueue[any],
		"Latest":           (*aiosync.Latest[any])(nil), "NewLatest": aiosync.NewLatest[any],
		"Broadcast": (*aiosync.Broadcast[any])(nil), "NewBroadcast": aiosync.NewBroadcast[any],
		"Subscription": (*aiosync.Subscription[any])(nil),
	},
	"aiter": {
		"Batch": aiter.Batch[any], "BatchWithin": aiter.BatchWithin[any], "Chain": aiter.Chain[any],
		"Collect": aiter.Collect[any], "CollectMap": aiter.CollectMap[any, any, any],
		"CollectSet": aiter.CollectSet[any], "Drop": aiter.Drop[any],
		"DropWhile": aiter.DropWhile[any],
		"Enumerate": aiter.Enumerate[any], "Filter": aiter.Filter[any], "First": aiter.First[any],
		"FlatMap": aiter.FlatMap[any, any], "Fold": aiter.Fold[any, any],
		"ForEach":  aiter.ForEach[any],
		"FromFunc": aiter.FromFunc[any], "FromQueue": aiter.FromQueue[any], "FromSlice": fromSlice,
		"Generate": aiter.Generate[any], "Iterator": (*aiter.Iterator[any])(nil),
		"Map": aiter.Map[any, any], "MapConcurrent": aiter.MapConcurrent[any, any],
		"MapUnordered": aiter.MapUnordered[any, any], "Merge": aiter.Merge[any],
		"Prefetch": aiter.Prefetch[any], "Pull": aiter.Pull[any], "RateLimit": aiter.RateLimit[any],
		"Take": aiter.Take[any], "TakeWhile": aiter.TakeWhile[any],
		"TimeoutEach": aiter.TimeoutEach[any],
		"Zip":         aiter.Zip[any, any],
	},
}

var (
	contextType = reflect.TypeFor[context.Context]()
	errorType   = reflect.TypeFor[error]()
)

// toFunc makes a Func of a function that takes a context or nothing, and returns nothing, a value,
// an error, or a value and an error.
func toFunc(op string, fn any) aio.Func[any] {
	switch fn := fn.(type) {
	case aio.Func[any]:
		return fn
	case func(ctx context.Context) error:
		return func(ctx context.Context) (any, error) { return nil, fn(ctx) }
	}
	v := reflect.ValueOf(fn)
	if v.Kind() != reflect.Func || v.IsNil() || !fits(v.Type()) {
		panic(fmt.Sprintf("aio: %s: %T is no function for a task; "+
			"it has to be func(ctx context.Context) (T, error)", op, fn))
	}
	return func(ctx context.Context) (any, error) {
		return results(v.Call(arguments(v.Type(), ctx)))
	}
}

func fits(t reflect.Type) bool {
	return !t.IsVariadic() && (t.NumIn() == 0 || t.NumIn() == 1 && t.In(0) == contextType) &&
		(t.NumOut() < 2 || t.NumOut() == 2 && t.Out(1) == errorType)
}

func arguments(t reflect.Type, ctx context.Context) []reflect.Value {
	if t.NumIn() == 0 {
		return nil
	}
	return []reflect.Value{reflect.ValueOf(ctx)}
}

func results(out []reflect.Value) (any, error) {
	var value any
	for _, v := range out {
		if v.Type() == errorType {
			err, _ := v.Interface().(error)
			if err != nil {
				return nil, err
			}
			continue
		}
		value = v.Interface()
	}
	return value, nil
}

func toFuncs(op string, fns []any) []aio.Func[any] {
	list := make([]aio.Func[any], len(fns))
	for i, fn := range fns {
		list[i] = toFunc(op, fn)
	}
	return list
}

// elements returns the elements of a slice of any type.
func elements(op string, list any) []any {
	v := reflect.ValueOf(list)
	if v.Kind() != reflect.Slice && v.Kind() != reflect.Array {
		panic(fmt.Sprintf("aio: %s: %T is no slice", op, list))
	}
	items := make([]any, v.Len())
	for i := range items {
		items[i] = v.Index(i).Interface()
	}
	return items
}

func createTask(ctx context.Context, fn any, opts ...aio.TaskOption) *aio.Task[any] {
	return aio.CreateTask(ctx, toFunc("CreateTask", fn), opts...)
}

func goValue(g *aio.TaskGroup, fn any, opts ...aio.TaskOption) *aio.Task[any] {
	return aio.GoValue(g, toFunc("GoValue", fn), opts...)
}

func all(ctx context.Context, fns ...any) ([]any, error) {
	return aio.All(ctx, toFuncs("All", flat(fns))...)
}

func race(ctx context.Context, fns ...any) (any, error) {
	return aio.Race(ctx, toFuncs("Race", flat(fns))...)
}

// flat lets a slice stand for its elements.
func flat(args []any) []any {
	if len(args) == 1 && reflect.ValueOf(args[0]).Kind() == reflect.Slice {
		return elements("", args[0])
	}
	return args
}

// mapItems calls fn, a func(ctx, item) (T, error), with each element of a slice.
func mapItems(ctx context.Context, items, fn any, opts ...aio.MapOption) ([]any, error) {
	v := reflect.ValueOf(fn)
	if v.Kind() != reflect.Func || v.Type().NumIn() != 2 || v.Type().In(0) != contextType {
		panic(fmt.Sprintf("aio: Map: %T is no func(ctx context.Context, item T) (U, error)", fn))
	}
	return aio.Map(ctx, elements("Map", items), func(ctx context.Context, item any) (any, error) {
		return results(v.Call([]reflect.Value{reflect.ValueOf(ctx), reflect.ValueOf(item)}))
	}, opts...)
}

func waitFor(ctx context.Context, d time.Duration, fn any) (any, error) {
	return aio.WaitFor(ctx, d, toFunc("WaitFor", fn))
}

func toThread(ctx context.Context, fn any, opts ...aio.ThreadOption) (any, error) {
	return aio.ToThread(ctx, toFunc("ToThread", fn), opts...)
}

// bind binds all arguments of fn but the context.
func bind(fn any, args ...any) aio.Func[any] {
	v := reflect.ValueOf(fn)
	if v.Kind() != reflect.Func || v.Type().NumIn() != len(args)+1 ||
		v.Type().In(0) != contextType {
		panic(fmt.Sprintf("aio: Bind: %T does not take a context and %d arguments", fn, len(args)))
	}
	return func(ctx context.Context) (any, error) {
		in := []reflect.Value{reflect.ValueOf(ctx)}
		for i, arg := range args {
			if arg == nil {
				in = append(in, reflect.Zero(v.Type().In(i+1)))
				continue
			}
			in = append(in, reflect.ValueOf(arg))
		}
		return results(v.Call(in))
	}
}

// handle makes one type of tasks and futures of all kinds.
type handle struct {
	aio.AnyFuture
	await  func(ctx context.Context) (any, error)
	result func() (any, error)
}

func (h handle) Await(ctx context.Context) (any, error) { return h.await(ctx) }
func (h handle) Result() (any, error)                   { return h.result() }

func handles(op string, aws []any) []handle {
	aws = flat(aws)
	list := make([]handle, len(aws))
	for i, aw := range aws {
		switch aw := aw.(type) {
		case *aio.Task[any]:
			list[i] = handle{aw, aw.Await, aw.Result}
		case *aio.Future[any]:
			list[i] = handle{aw, aw.Await, aw.Result}
		case *aio.Task[aio.None]:
			list[i] = handle{
				aw, func(ctx context.Context) (any, error) {
					_, err := aw.Await(ctx)
					return nil, err
				},
				func() (any, error) { _, err := aw.Result(); return nil, err },
			}
		default:
			panic(fmt.Sprintf("aio: %s: %T is no task; make one with CreateTask", op, aw))
		}
	}
	return list
}

// originals returns what the handles stand for.
func originals(list []handle) []any {
	out := make([]any, len(list))
	for i, h := range list {
		out[i] = h.AnyFuture
	}
	return out
}

func gather(ctx context.Context, aws ...any) ([]any, error) {
	return aio.Gather[any](ctx, handles("Gather", aws)...)
}

func gatherSettled(ctx context.Context, aws ...any) ([]aio.Outcome[any], error) {
	return aio.GatherSettled[any](ctx, handles("GatherSettled", aws)...)
}

func wait(ctx context.Context, when aio.When, aws ...any) (done, pending []any, err error) {
	d, p, err := aio.Wait(ctx, when, handles("Wait", aws)...)
	return originals(d), originals(p), err
}

func waitTimeout(
	ctx context.Context, d time.Duration, when aio.When, aws ...any,
) (done, pending []any, err error) {
	ended, rest, err := aio.WaitTimeout(ctx, d, when, handles("WaitTimeout", aws)...)
	return originals(ended), originals(rest), err
}

// asCompleted yields the results of tasks as they end.
func asCompleted(ctx context.Context, aws ...any) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		for h, err := range aio.AsCompleted(ctx, handles("AsCompleted", aws)...) {
			var v any
			if err == nil {
				v, err = h.Result()
			}
			if !yield(v, err) {
				return
			}
		}
	}
}

func shield(ctx context.Context, aw any) (any, error) {
	return aio.Shield[any](ctx, handles("Shield", []any{aw})[0])
}

func fromSlice(list any) iter.Seq2[any, error] {
	return aiter.FromSlice(elements("FromSlice", list))
}
