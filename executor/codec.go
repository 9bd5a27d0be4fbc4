package executor

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
)

// Codec encodes the arguments and results of a function, see [Encoding]. Several goroutines call it
// at a time.
type Codec interface {
	// Encode encodes v, an argument or a result. The caller owns what it returns.
	Encode(v any) ([]byte, error)
	// Decode decodes data to *v, a pointer to an argument or a result. It may keep data.
	Decode(data []byte, v any) error
}

// JSON encodes with encoding/json, as whole values: programs in other languages, and people who
// look at a queue, can read it.
var JSON Codec = jsonCodec{}

type jsonCodec struct{}

func (jsonCodec) Encode(v any) ([]byte, error)    { return json.Marshal(v) }
func (jsonCodec) Decode(data []byte, v any) error { return json.Unmarshal(data, v) }

// RegisterOption is an option of [Register].
type RegisterOption func(r *registration)

// registration holds the values of RegisterOptions.
type registration struct {
	codec Codec // nil: by type, see below
}

// Encoding is how the arguments and results of the function are encoded: by [JSON], or by a codec
// of the program. Reports of [Progress] are not concerned. Default: see [Register].
func Encoding(c Codec) RegisterOption {
	if c == nil {
		panic("executor: Encoding: the codec is nil; pass one, such as JSON")
	}
	return func(r *registration) { r.codec = c }
}

// Without a codec a value is encoded by its static type, which both sides know:
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

// encodeBy encodes a value with c, or by its type if c is nil.
func encodeBy[T any](c Codec, v T) ([]byte, error) {
	if c == nil {
		return encode(v)
	}
	data, err := c.Encode(v)
	if err != nil {
		return nil, fmt.Errorf("executor: a %T cannot be encoded: %w", v, err)
	}
	return data, nil
}

// decodeBy undoes encodeBy. It takes over data.
func decodeBy[T any](c Codec, data []byte) (v T, err error) {
	if c == nil {
		return decode[T](data)
	}
	if err = c.Decode(data, &v); err != nil {
		return v, undecoded[T](data, err)
	}
	return v, nil
}

func undecoded[T any](data []byte, err error) error {
	return fmt.Errorf("executor: %d bytes cannot be decoded as %v: %w",
		len(data), reflect.TypeFor[T](), err)
}

// encode encodes a value by its type. The result shares no memory with it.
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
		return b.V, undecoded[T](data, err)
	}
	return b.V, nil
}

// mustEncode panics if values of type T cannot be encoded. op says what they are for. What a codec
// of the program makes of a zero value says nothing.
func mustEncode[T any](c Codec, op string) {
	var remedy string
	switch c {
	case nil:
		remedy = "use exported fields, or implement gob.GobEncoder"
	case JSON:
		remedy = "use types that encoding/json knows, or implement json.Marshaler"
	default:
		return
	}
	var zero T
	if _, err := encodeBy(c, zero); err != nil {
		panic(fmt.Sprintf("executor: %s: values of type %v cannot be sent: %v; %s",
			op, reflect.TypeFor[T](), errors.Unwrap(err), remedy))
	}
}
