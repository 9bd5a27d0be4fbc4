package gosh

import (
	"reflect"
	"slices"
	"strings"
)

// complete returns how a word may go on: a name of a package or of the session, what a package
// exports, a method or field of a variable.
func (i *interpreter) complete(word string) []string {
	var found []string
	add := func(before, name string) {
		if strings.HasPrefix(before+name, word) {
			found = append(found, before+name)
		}
	}
	left, _, dotted := strings.Cut(word, ".")
	if !dotted {
		for name := range i.yaegi.Globals() {
			add("", name)
		}
		for name := range i.declared {
			add("", name)
		}
		for name := range i.packages {
			add("", name)
		}
	} else if v, isGlobal := i.yaegi.Globals()[left]; isGlobal {
		for _, name := range members(v) {
			add(left+".", name)
		}
	} else {
		for name := range i.packages[left] {
			if !strings.HasPrefix(name, "_") { // of the interpreter
				add(left+".", name)
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// members returns the exported methods and fields of a value.
func members(v reflect.Value) []string {
	if !v.IsValid() {
		return nil
	}
	var names []string
	t := v.Type()
	if t.Kind() == reflect.Interface && !v.IsNil() {
		t = v.Elem().Type()
	}
	for m := range t.Methods() {
		names = append(names, m.Name)
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() == reflect.Struct {
		for _, f := range reflect.VisibleFields(t) {
			if f.IsExported() {
				names = append(names, f.Name)
			}
		}
	}
	return names
}
