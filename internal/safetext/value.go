package safetext

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"sync"

	"github.com/aio-go/aio/internal/goid"
)

// Value returns the text of a user's value, much as %v does, as one safe line of at most limit
// bytes without the secrets of URLs.
//
// That holds for every value. A value that contains itself ends at some depth, and a huge one is
// not printed beyond the limit. If a method (Error, String, Format) panics, the panic is shown in
// place of its text. Methods that lead back here end at some depth, too.
func Value(v any, limit int) string {
	if s, ok := v.(string); ok {
		return Cut(hideInside(s), limit)
	}
	p := printer{limit: limit + 1}
	p.print(reflect.ValueOf(v), 0)
	more := 0
	if p.full() {
		more = unknown
	}
	return show(hideInside(string(p.text)), limit, false, more)
}

// Error returns the text of err like [Message]: one safe line without the secrets of URLs. It is
// "<nil>" for nil. The remarks of [Value] on methods apply.
func Error(err error) string {
	if err == nil {
		return "<nil>"
	}
	return Message(call("Error", err.Error))
}

const (
	maxDepth  = 16  // of methods that lead to each other, and of values in values
	maxCalls  = 200 // of methods, in one text
	maxSorted = 64  // entries of a map; of larger ones only the number is shown
	cut       = "…" // marks an omission
)

// calls counts the methods that are being called, by goroutine: a method may come back here, and
// that without end.
var calls sync.Map // from goid.Self to *nesting

type nesting struct{ depth, calls int }

// call calls a method of a user's value and returns its text.
func call(name string, method func() string) (text string) {
	g := goid.Self()
	x, inside := calls.Load(g)
	if !inside {
		x = &nesting{}
		calls.Store(g, x)
	}
	n := x.(*nesting)
	if n.depth == maxDepth || n.calls == maxCalls {
		return cut
	}
	n.depth++
	n.calls++
	defer func() {
		n.depth--
		if !inside {
			calls.Delete(g)
		}
		if recover() != nil {
			text = "<the " + name + " method panicked>"
		}
	}()
	return method()
}

// printer collects the text of a value.
type printer struct {
	text  []byte
	limit int // it prints little more than that
}

func (p *printer) full() bool { return len(p.text) >= p.limit }

func (p *printer) add(s string) {
	p.text = append(p.text, s[:min(len(s), max(0, p.limit-len(p.text)))]...)
}

func (p *printer) print(v reflect.Value, depth int) {
	switch {
	case p.full():
		return
	case depth > maxDepth:
		p.add(cut)
		return
	case !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil():
		p.add("<nil>")
		return
	case v.CanInterface() && v.Kind() != reflect.Interface && p.method(v.Interface()):
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		p.add(strconv.FormatBool(v.Bool()))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		p.add(strconv.FormatInt(v.Int(), 10))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64,
		reflect.Uintptr:
		p.add(strconv.FormatUint(v.Uint(), 10))
	case reflect.Float32:
		p.add(fmt.Sprint(float32(v.Float())))
	case reflect.Float64:
		p.add(fmt.Sprint(v.Float()))
	case reflect.Complex64, reflect.Complex128:
		p.add(fmt.Sprint(v.Complex()))
	case reflect.String:
		p.add(v.String())
	case reflect.Interface:
		p.print(v.Elem(), depth) // of the same depth, since the value is in it
	case reflect.Pointer:
		switch v.Elem().Kind() {
		case reflect.Array, reflect.Slice, reflect.Struct, reflect.Map:
			if depth == 0 {
				p.add("&")
				p.print(v.Elem(), depth+1)
				return
			}
		}
		p.address(v)
	case reflect.Array, reflect.Slice:
		p.row("[", v.Len(), v.Index, depth)
		p.add("]")
	case reflect.Struct:
		p.row("{", v.NumField(), v.Field, depth)
		p.add("}")
	case reflect.Map:
		p.table(v, depth)
	default:
		p.address(v)
	}
}

// method prints the result of a method of x, if it has one.
func (p *printer) method(x any) bool {
	switch x := x.(type) {
	case error:
		p.add(call("Error", x.Error))
	case fmt.Stringer:
		p.add(call("String", x.String))
	case fmt.Formatter:
		p.add(call("Format", func() string { return fmt.Sprint(x) }))
	default:
		return false
	}
	return true
}

func (p *printer) row(open string, n int, at func(int) reflect.Value, depth int) {
	p.add(open)
	for i := 0; i < n && !p.full(); i++ {
		if i > 0 {
			p.add(" ")
		}
		p.print(at(i), depth+1)
	}
}

// table prints a map, sorted by its keys.
func (p *printer) table(m reflect.Value, depth int) {
	if m.Len() > maxSorted {
		p.add("map[" + cut + "(" + strconv.Itoa(m.Len()) + " entries)]")
		return
	}
	p.add("map[")
	for i, key := range slices.SortedFunc(slices.Values(m.MapKeys()), order) {
		if i > 0 {
			p.add(" ")
		}
		p.print(key, depth+1)
		p.add(":")
		p.print(m.MapIndex(key), depth+1)
	}
	p.add("]")
}

// order is that of the keys of a map, as far as they have one.
func order(a, b reflect.Value) int {
	switch {
	case a.CanInt():
		return cmp.Compare(a.Int(), b.Int())
	case a.CanUint():
		return cmp.Compare(a.Uint(), b.Uint())
	case a.CanFloat():
		return cmp.Compare(a.Float(), b.Float())
	case a.Kind() == reflect.String:
		return cmp.Compare(a.String(), b.String())
	}
	return 0
}

func (p *printer) address(v reflect.Value) {
	if v.IsNil() {
		p.add("<nil>")
		return
	}
	p.add("0x" + strconv.FormatUint(uint64(v.Pointer()), 16))
}
