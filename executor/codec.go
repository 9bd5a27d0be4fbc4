package executor

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"reflect"
)

// box is what is encoded: gob wants a struct around interfaces and nil pointers.
type box[T any] struct{ V T }

// bare reports whether T has nothing to encode, such as aio.None, which gob refuses.
func bare[T any]() bool {
	t := reflect.TypeFor[T]()
	return t.Kind() == reflect.Struct && t.NumField() == 0
}

// encode encodes a value with gob; bytes are copied as they are.
func encode[T any](v T) ([]byte, error) {
	if p, ok := any(v).([]byte); ok {
		return bytes.Clone(p), nil
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
	if p, ok := any(&b.V).(*[]byte); ok {
		*p = data
		return b.V, nil
	}
	if bare[T]() {
		return b.V, nil
	}
	if err := gob.NewDecoder(bytes.NewReader(data)).Decode(&b); err != nil {
		return b.V, fmt.Errorf("executor: %d bytes cannot be decoded as %T: %w", len(data), b.V, err)
	}
	return b.V, nil
}

// mustEncode panics if gob knows no way to encode values of type T.
func mustEncode[T any](op string) {
	var zero T
	if _, err := encode(zero); err != nil {
		panic(fmt.Sprintf("executor: %s: values of type %v cannot be sent: %v; use exported fields, or implement gob.GobEncoder",
			op, reflect.TypeFor[T](), err))
	}
}
