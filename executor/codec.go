package executor

import (
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"
	"reflect"
	"strconv"
)

// A value is encoded by its static type, which both sides know:
//
//	[]byte, string             as it is
//	int, int64, float64, bool  as text
//	a struct without fields    as nothing: gob refuses such, and aio.None is one
//	anything else              with gob, in a box
//
// gob sends a description of the type with each value and compiles a decoder from it. The first
// types do not pay for that.

// box is encoded in place of the value: gob needs a struct around interfaces and nil pointers.
type box[T any] struct{ V T }

// bare reports whether a value of type T has nothing to encode.
func bare[T any]() bool {
	t := reflect.TypeFor[T]()
	return t.Kind() == reflect.Struct && t.NumField() == 0
}

// encode encodes a value. The result shares no memory with it.
func encode[T any](v T) ([]byte, error) {
	switch v := any(&v).(type) {
	case *[]byte:
		return bytes.Clone(*v), nil
	case *string:
		return []byte(*v), nil
	case *int:
		return strconv.AppendInt(nil, int64(*v), 10), nil
	case *int64:
		return strconv.AppendInt(nil, *v, 10), nil
	case *float64:
		return strconv.AppendFloat(nil, *v, 'g', -1, 64), nil
	case *bool:
		return strconv.AppendBool(nil, *v), nil
	}
	if bare[T]() {
		return nil, nil
	}
	var buf bytes.Buffer
	if err := gob.NewEncoder(&buf).Encode(box[T]{v}); err != nil {
		return nil, fmt.Errorf("executor: a %T cannot be encoded: %w", v, err)
	}
	return buf.Bytes(), nil
}

// decode undoes encode. It takes over data.
func decode[T any](data []byte) (T, error) {
	var b box[T]
	var err error
	switch v := any(&b.V).(type) {
	case *[]byte:
		*v = data
	case *string:
		*v = string(data)
	case *int:
		*v, err = strconv.Atoi(string(data))
	case *int64:
		*v, err = strconv.ParseInt(string(data), 10, 64)
	case *float64:
		*v, err = strconv.ParseFloat(string(data), 64)
	case *bool:
		*v, err = strconv.ParseBool(string(data))
	default:
		if !bare[T]() {
			err = gob.NewDecoder(bytes.NewReader(data)).Decode(&b)
		}
	}
	if err != nil {
		return b.V, fmt.Errorf("executor: %d bytes cannot be decoded as %v: %w",
			len(data), reflect.TypeFor[T](), err)
	}
	return b.V, nil
}

// mustEncode panics if values of type T cannot be encoded. name is that of the function.
func mustEncode[T any](name string) {
	var zero T
	if _, err := encode(zero); err != nil {
		panic(fmt.Sprintf("executor: Register: the function %q: "+
			"values of type %v cannot be sent: %v; "+
			"use exported fields, or implement gob.GobEncoder",
			name, reflect.TypeFor[T](), errors.Unwrap(err)))
	}
}
