package aiosql_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio/aiosql"
)

type (
	namedString string
	namedInt    int
	namedInt8   int8
	namedUint16 uint16
	namedFloat  float32
	namedBool   bool
	namedBytes  []byte
	namedTime   time.Time
)

// color is a Scanner that takes what a driver may hand out.
type color struct{ text string }

func (c *color) Scan(v any) error {
	if v == nil {
		return errors.New("no color")
	}
	c.text = fmt.Sprintf("%T", v)
	return nil
}

// stringColor is a Scanner whose kind is string.
type stringColor string

func (c *stringColor) Scan(v any) error {
	*c = stringColor(fmt.Sprintf("scanned %v", v))
	return nil
}

// places are functions that make new destinations.
var places = []func() any{
	place[string], place[[]byte], place[sql.RawBytes], place[json.RawMessage], place[any], place[bool],
	place[int], place[int8], place[int16], place[int32], place[int64],
	place[uint], place[uint8], place[uint16], place[uint32], place[uint64], place[float32],
	place[float64],
	place[time.Time], place[time.Duration], place[time.Month],
	place[namedString], place[namedInt], place[namedInt8], place[namedUint16], place[namedFloat],
	place[namedBool],
	place[namedBytes], place[namedTime],
	place[*string], place[**string], place[*int], place[**int8], place[*[]byte], place[*bool],
	place[*time.Time], place[*any],
	place[*namedString], place[**namedInt8], place[*json.RawMessage], place[**json.RawMessage],
	place[*sql.RawBytes],
	place[sql.NullString], place[sql.NullInt16], place[sql.NullBool], place[sql.NullTime],
	place[sql.Null[namedInt8]],
	place[sql.Null[string]], place[sql.Null[json.RawMessage]], place[*sql.NullInt64],
	place[color], place[*color], place[stringColor], place[*stringColor], place[netip.Addr],
	place[chan int], place[struct{ A int }], place[[4]byte], place[[]int], place[map[string]int],
	place[fmt.Stringer],
	place[complex128], place[error], place[sql.Rows],
	func() any {
		return nil
	}, func() any { return 7 }, func() any { return "text" }, func() any { return (*string)(nil) },
	func() any {
		return (*[]byte)(nil)
	}, func() any { return (*int)(nil) }, func() any { return (*namedString)(nil) },
	func() any { return (**int)(nil) }, func() any { return (**color)(nil) },
	func() any { return (*sql.RawBytes)(nil) }, func() any { return (*time.Time)(nil) },
}

func place[T any]() any { return new(T) }

// values are what drivers hand out, and what some hand out against the rules.
var values = []any{
	nil, "", "text", "0", "1", "-1", "42", "127", "128", "-129", "70000", "1e3", "0x10", "3.5", "NaN",
	"true", "F", "on", " 7",
	"9223372036854775807", "9223372036854775808", "18446744073709551616", "1e400", `{"a":1}`,
	"2026-11-20T12:00:00Z",
	[]byte(nil), []byte{}, []byte("text"), []byte("42"), []byte("300"), []byte("true"),
	[]byte(`{"a":1}`), []byte("3.5"),
	int64(0), int64(1), int64(-1), int64(2), int64(127), int64(128), int64(-129), int64(65536),
	int64(math.MaxInt64), int64(math.MinInt64),
	0.0, 1.0, 3.5, -2.0, 1e300, math.Inf(1), 1e18, true, false,
	time.Date(2026, 11, 20, 12, 0, 0, 7, time.UTC),
	time.Date(2026, 11, 20, 12, 0, 0, 0, time.FixedZone("east", 3600)), time.Time{},
	// not by the rules of package driver
	7, uint8(7), uint64(math.MaxUint64), float32(1.5), namedString("named"), namedInt8(5),
	json.RawMessage("[]"), struct{}{},
}

// outcome is what became of a destination.
func outcome(dest any, err error) string {
	v := reflect.ValueOf(dest)
	for v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	text := fmt.Sprintf("nothing, %v", v.IsValid())
	if v.IsValid() && v.Type() != reflect.TypeFor[sql.Rows]() {
		text = fmt.Sprintf("%#v", v)
	}
	return fmt.Sprintf("%s, failed: %v", text, err != nil)
}

// row is a driver whose database is one row.
type row []any

func (r row) Connect(context.Context) (driver.Conn, error) { return r, nil }
func (r row) Driver() driver.Driver                        { return nil }
func (r row) Prepare(string) (driver.Stmt, error)          { return nil, driver.ErrSkip }
func (r row) Close() error                                 { return nil }
func (r row) Begin() (driver.Tx, error)                    { return nil, driver.ErrSkip }

func (r row) QueryContext(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
	return &rowOnce{row: r}, nil
}

type rowOnce struct {
	row  row
	read bool
}

func (r *rowOnce) Columns() []string { return make([]string, len(r.row)) }
func (r *rowOnce) Close() error      { return nil }
func (r *rowOnce) Next(dest []driver.Value) error {
	if r.read {
		return errors.New("there is one row")
	}
	r.read = true
	for i, v := range r.row {
		dest[i] = v
	}
	return nil
}

// scanned is what sql.Rows.Scan makes of a row.
func scanned(t *testing.T, values []any, dest []any) (err error) {
	t.Helper()
	db := sql.OpenDB(row(values))
	defer db.Close()
	rows, err := db.Query("")
	if err != nil {
		t.Fatal(err)
	}
	rows.Next()
	defer func() {
		if v := recover(); v != nil { // for some nil pointers; the rows are locked for ever then
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	err = rows.Scan(dest...)
	rows.Close()
	return err
}

func TestARowIsScannedAsPackageSQLDoes(t *testing.T) {
	db := sql.OpenDB(row(values))
	ours := aiosql.New(db)
	run(t, func(ctx context.Context) error {
		defer ours.Close(ctx)
		all, err := aiosql.One[aiosql.Row](ctx, ours, "")
		if err != nil {
			return err
		}
		for i, v := range values {
			one := aiosql.MakeRow([]string{"c"}, all.Values()[i:i+1])
			for _, place := range places {
				want, got := place(), place()
				wantErr := scanned(t, []any{v}, []any{want})
				gotErr := one.Scan(got)
				if w, g := outcome(want, wantErr), outcome(got, gotErr); w != g {
					t.Errorf("%T %v into a %T: %s, want %s\n got error: %v\nwant error: %v",
						v, v, got, g, w, gotErr, wantErr)
				}
				if gotErr != nil && !strings.HasPrefix(gotErr.Error(), "aiosql: Row.Scan: ") {
					t.Errorf("%T %v into a %T: the error is %v", v, v, got, gotErr)
				}
			}
		}
		return nil
	})
}

// Package database/sql panics for some of these.
func TestANilPointerIsAnError(t *testing.T) {
	r := aiosql.MakeRow([]string{"a"}, []any{int64(1)})
	for _, dest := range []any{(*any)(nil), (*bool)(nil), (*sql.RawBytes)(nil), (*namedInt)(nil),
		(**int)(nil), (*color)(nil)} {
		if err := r.Scan(dest); err == nil {
			t.Errorf("%T: no error", dest)
		}
	}
}

// bomb is a Scanner that panics.
type bomb struct{}

func (*bomb) Scan(any) error { panic("boom") }

// A Scanner is called under a lock of package database/sql.
func TestAScannerThatPanicsHoldsUpNobody(t *testing.T) {
	db, _ := newDB(t, aiosql.MaxConns(1))
	run(t, func(ctx context.Context) error {
		whole := func() { aiosql.One[bomb](ctx, db, "row", 1) }
		pointer := func() { aiosql.One[*bomb](ctx, db, "row", 1) }
		field := func() { aiosql.One[struct{ Column1 **bomb }](ctx, db, "row", 1) }
		row := func() { _ = aiosql.MakeRow([]string{"a"}, []any{int64(1)}).Scan(new(bomb)) }
		for i, fn := range []func(){whole, pointer, field, row} {
			func() {
				defer func() {
					if v := recover(); !strings.Contains(fmt.Sprint(v), "boom") {
						t.Errorf("%d: it panicked with %v", i, v)
					}
				}()
				fn()
			}()
		}
		if n, err := aiosql.One[int](ctx, db, "row", 7); n != 7 || err != nil { // the only connection
			t.Errorf("%d, %v", n, err)
		}
		return nil
	})
}

func TestAScanThatFailsHasFilledInWhatIsBefore(t *testing.T) {
	r := aiosql.MakeRow([]string{"a", "b", "c"}, []any{"x", "300", "y"})
	for _, middle := range []any{new(int8), new(namedInt8)} {
		var a namedString
		c := "untouched"
		if err := r.Scan(&a, middle, &c); err == nil || a != "x" || c != "untouched" ||
			!strings.Contains(err.Error(), `"b"`) {
			t.Errorf("%T: %q, %q, %v", middle, a, c, err)
		}
	}
}

func TestWhatIsScannedIsACopyOfTheRow(t *testing.T) {
	r := aiosql.MakeRow([]string{"a"}, []any{[]byte("tea")})
	var plain []byte
	var message json.RawMessage
	var pointer *json.RawMessage
	for _, dest := range []any{&plain, &message, &pointer} {
		if err := r.Scan(dest); err != nil {
			t.Fatal(err)
		}
	}
	plain[0], message[0], (*pointer)[0] = 'X', 'X', 'X'
	if v := r.Value("a"); string(v.([]byte)) != "tea" {
		t.Errorf("the row has %q", v)
	}
}

// reuser is a driver that uses the memory of a value again for the next row, as drivers may.
type reuser struct {
	row
	buf []byte
	n   byte
}

func (r *reuser) Connect(context.Context) (driver.Conn, error) { return r, nil }
func (r *reuser) QueryContext(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
	r.n = 0
	return r, nil
}
func (r *reuser) Columns() []string { return []string{"text"} }
func (r *reuser) Next(dest []driver.Value) error {
	if r.n == 20 {
		return errors.New("no more")
	}
	r.buf = append(r.buf[:0], 'a'+r.n)
	r.n++
	dest[0] = r.buf
	return nil
}

func TestRawBytesOfABatchAreNotOverwritten(t *testing.T) {
	run(t, func(ctx context.Context) error {
		db := aiosql.New(sql.OpenDB(&reuser{}))
		defer db.Close(ctx)
		whole, _ := aiosql.All[sql.RawBytes](ctx, db, "")
		fields, _ := aiosql.All[struct{ Text sql.RawBytes }](ctx, db, "")
		pointers, _ := aiosql.All[*sql.RawBytes](ctx, db, "")
		nulls, _ := aiosql.All[sql.Null[sql.RawBytes]](ctx, db, "")
		if len(whole) != 20 || len(fields) != 20 || len(pointers) != 20 || len(nulls) != 20 {
			t.Fatalf("%d, %d, %d, %d rows", len(whole), len(fields), len(pointers), len(nulls))
		}
		for i := range 20 {
			want := string(rune('a' + i))
			if string(whole[i]) != want || string(fields[i].Text) != want || string(*pointers[i]) != want ||
				string(nulls[i].V) != want {
				t.Errorf("row %d: %s %s %s %s", i, whole[i], fields[i].Text, *pointers[i], nulls[i].V)
			}
		}
		return nil
	})
}

func BenchmarkScanOfARow(b *testing.B) {
	r := aiosql.MakeRow([]string{"a", "b"}, []any{"tea", int64(7)})
	b.Run("plain", func(b *testing.B) {
		var s string
		var n int
		for b.Loop() {
			if err := r.Scan(&s, &n); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("named", func(b *testing.B) {
		var s namedString
		var n namedInt
		for b.Loop() {
			if err := r.Scan(&s, &n); err != nil {
				b.Fatal(err)
			}
		}
	})
}
