package aiosql

import (
	"bytes"
	"database/sql"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/aio-go/aio/internal/safetext"
)

// plan says how the rows of one statement become values of type T.
type plan[T any] struct {
	columns []string
	fields  [][]int // for structs: the index of the field of each column
	whole   bool    // T is the only column
}

var (
	scannerType = reflect.TypeFor[sql.Scanner]()
	timeType    = reflect.TypeFor[time.Time]()
	rowType     = reflect.TypeFor[Row]()
	rawType     = reflect.TypeFor[sql.RawBytes]()
	nullRawType = reflect.TypeFor[sql.Null[sql.RawBytes]]()
)

// planFor makes a plan for the rows of a statement.
func planFor[T any](rows *sql.Rows) (*plan[T], error) {
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	p := &plan[T]{columns: columns}
	t := reflect.TypeFor[T]()
	switch {
	case t == rowType:
	case t.Kind() == reflect.Struct && t != timeType &&
		!reflect.PointerTo(t).Implements(scannerType):
		return p, p.matchFields(t)
	case len(columns) != 1:
		return nil, fmt.Errorf("aiosql: %d columns (%s) do not fit into one %v; "+
			"use a struct or a Row", len(columns), safetext.Line(strings.Join(columns, ", ")), t)
	default:
		p.whole = true
	}
	return p, nil
}

// matchFields finds the field of each column.
func (p *plan[T]) matchFields(t reflect.Type) error {
	named := map[string][]int{}
	for _, f := range reflect.VisibleFields(t) {
		tag := f.Tag.Get("db")
		switch {
		case tag == "-" || !f.IsExported() || behindPointer(t, f.Index),
			f.Anonymous && tag == "" && f.Type.Kind() == reflect.Struct:
		case tag != "":
			named[plain(tag)] = f.Index
		default:
			if _, taken := named[plain(f.Name)]; !taken {
				named[plain(f.Name)] = f.Index
			}
		}
	}
	for _, column := range p.columns {
		index, ok := named[plain(column)]
		if !ok {
			return fmt.Errorf("aiosql: %v has no field for column %q; "+
				"add one, with the tag `db:%q` if its name is another", t, column, column)
		}
		p.fields = append(p.fields, index)
	}
	return nil
}

// plain is a name without regard to case and underscores.
func plain(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }

// behindPointer reports whether a field can be reached only through a pointer, which may be nil.
func behindPointer(t reflect.Type, index []int) bool {
	for _, i := range index[:len(index)-1] {
		f := t.Field(i)
		if f.Type.Kind() == reflect.Pointer {
			return true
		}
		t = f.Type
	}
	return false
}

// scan reads the current row.
func (p *plan[T]) scan(rows *sql.Rows, row *T) error {
	if p.whole {
		return p.keep(scanRow(rows, []any{row}), reflect.ValueOf(row).Elem())
	}
	if r, ok := any(row).(*Row); ok {
		*r = Row{columns: p.columns, values: make([]any, len(p.columns))}
		return rows.Scan(pointers(r.values)...)
	}
	v := reflect.ValueOf(row).Elem()
	dest := make([]any, len(p.fields))
	for i, index := range p.fields {
		dest[i] = v.FieldByIndex(index).Addr().Interface()
	}
	err := scanRow(rows, dest)
	for _, index := range p.fields {
		err = p.keep(err, v.FieldByIndex(index))
	}
	return err
}

// keep copies values in the driver's memory, which the next row overwrites while this one waits in
// its batch.
func (p *plan[T]) keep(err error, v reflect.Value) error {
	if err != nil {
		return err
	}
	for v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	switch v.Type() {
	case rawType:
		v.SetBytes(bytes.Clone(v.Bytes()))
	case nullRawType:
		v = v.FieldByName("V")
		v.SetBytes(bytes.Clone(v.Bytes()))
	}
	return nil
}

func pointers(values []any) []any {
	dest := make([]any, len(values))
	for i := range values {
		dest[i] = &values[i]
	}
	return dest
}

// Row is a row with any columns. It stays valid.
type Row struct {
	columns []string
	values  []any
}

// Columns returns the names of the columns.
func (r Row) Columns() []string { return r.columns }

// Values returns the values of the columns, in the driver's types; NULL is nil.
func (r Row) Values() []any { return r.values }

// Value returns the value of the first column of this name, or nil if there is none or it is NULL.
func (r Row) Value(column string) any {
	for i, name := range r.columns {
		if name == column {
			return r.values[i]
		}
	}
	return nil
}

// Scan copies the values to the variables of dest, one for each column, and converts them as
// [sql.Rows.Scan] does. A sql.RawBytes refers to the memory of the row. After an error the
// variables before the one that the error names are set.
func (r Row) Scan(dest ...any) error {
	if len(dest) != len(r.values) {
		return fmt.Errorf("aiosql: Row.Scan: %d columns, but %d places to put them",
			len(r.values), len(dest))
	}
	for i, d := range dest {
		known, err := convert(d, r.values[i])
		// package database/sql may panic
		if v := reflect.ValueOf(d); !known && v.Kind() == reflect.Pointer && v.IsNil() {
			known, err = true, fmt.Errorf("the place to put it is a nil %T", d)
		}
		if !known { // package database/sql has to convert it, and with it the rest
			if err := convertRow(dest[i:], r.columns[i:], r.values[i:]); err != nil {
				return fmt.Errorf("aiosql: Row.Scan: %w", err)
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("aiosql: Row.Scan: column %q: %w", r.columns[i], err)
		}
	}
	return nil
}

// convert assigns a driver's value to one of the common types. For others it does nothing and
// returns false.
func convert(dest, value any) (known bool, err error) {
	switch d := dest.(type) {
	case *any:
		if d != nil {
			*d = value
		}
		return d != nil, nil
	case *string:
		return assign(d, value)
	case *[]byte:
		if value == nil && d != nil {
			*d = nil
			return true, nil
		}
		return assign(d, value)
	case *bool:
		return assign(d, value)
	case *int:
		return assign(d, value)
	case *int8:
		return assign(d, value)
	case *int16:
		return assign(d, value)
	case *int32:
		return assign(d, value)
	case *int64:
		return assign(d, value)
	case *uint:
		return assign(d, value)
	case *uint8:
		return assign(d, value)
	case *uint16:
		return assign(d, value)
	case *uint32:
		return assign(d, value)
	case *uint64:
		return assign(d, value)
	case *float32:
		return assign(d, value)
	case *float64:
		return assign(d, value)
	case *time.Time:
		return assign(d, value)
	}
	return false, nil
}

// assign lets package database/sql convert, through its Null types.
func assign[T any](d *T, value any) (known bool, err error) {
	if d == nil {
		return false, nil
	}
	if value == nil {
		return true, fmt.Errorf("NULL does not fit into a %T; use a pointer or a sql.Null", *d)
	}
	var n sql.Null[T]
	if err := n.Scan(value); err != nil {
		return true, err
	}
	*d = n.V
	return true, nil
}
