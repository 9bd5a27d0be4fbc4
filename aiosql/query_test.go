package aiosql_test

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosql"
)

type person struct {
	ID   int
	Name *string
}

func TestRowsBecomeStructs(t *testing.T) {
	db, f := newDB(t)
	run(t, func(ctx context.Context) error {
		var names []string
		n := 0
		for p, err := range aiosql.Query[person](ctx, db, "rows 300") {
			if err != nil {
				return err
			}
			switch {
			case p.ID != n:
				t.Errorf("row %d has the ID %d", n, p.ID)
			case p.Name == nil:
				names = append(names, "NULL")
			case n < 2:
				names = append(names, *p.Name)
			}
			n++
		}
		if want := []string{"row 0", "row 1", "NULL"}; n != 300 || !slices.Equal(names, want) {
			t.Errorf("%d rows, names %q", n, names)
		}
		return nil
	})
	f.want(t, "1: closed after 300")
}

func TestRowsBecomeValues(t *testing.T) {
	db, _ := newDB(t)
	day := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	type pair struct {
		Text   string `db:"column_2"`
		Number int    `db:"column_1"`
		Other  string // has no column
	}
	type wide struct {
		pair
		Column3 sql.NullString
	}
	run(t, func(ctx context.Context) error {
		number, err := aiosql.One[int](ctx, db, "row", 42)
		text, err2 := aiosql.One[string](ctx, db, "row", "tea")
		bytes, err3 := aiosql.One[[]byte](ctx, db, "row", []byte("raw"))
		when, err4 := aiosql.One[time.Time](ctx, db, "row", day)
		null, err5 := aiosql.One[sql.NullInt64](ctx, db, "row", nil)
		pointer, err6 := aiosql.One[*int](ctx, db, "row", nil)
		two, err7 := aiosql.One[pair](ctx, db, "row", 1, "b")
		three, err8 := aiosql.One[wide](ctx, db, "row", 1, "b", nil)
		if err := errors.Join(err, err2, err3, err4, err5, err6, err7, err8); err != nil {
			return err
		}
		if number != 42 || text != "tea" || string(bytes) != "raw" || !when.Equal(day) || null.Valid ||
			pointer != nil {
			t.Errorf("%v %q %q %v %v %v", number, text, bytes, when, null, pointer)
		}
		if two != (pair{Text: "b", Number: 1}) || three.Text != "b" || three.Column3.Valid {
			t.Errorf("%+v, %+v", two, three)
		}
		all, err := aiosql.All[person](ctx, db, "rows 3")
		if len(all) != 3 || all[2].ID != 2 {
			t.Errorf("all are %+v", all)
		}
		return err
	})
}

func TestRowsThatDoNotFitAreRefused(t *testing.T) {
	db, f := newDB(t)
	run(t, func(ctx context.Context) error {
		_, err := aiosql.One[int](ctx, db, "rows 1")
		if err == nil || !strings.Contains(err.Error(), "2 columns (id, name) do not fit into one int") {
			t.Errorf("two columns into an int: %v", err)
		}
		_, err = aiosql.One[struct{ ID int }](ctx, db, "rows 1")
		if err == nil || !strings.Contains(err.Error(), `has no field for column "name"`) {
			t.Errorf("a column without field: %v", err)
		}
		rows, err := aiosql.All[struct {
			ID   int
			Name string
		}](ctx, db, "rows 20")
		if err == nil || !strings.Contains(err.Error(), "NULL") || len(rows) != 13 {
			t.Errorf("NULL into a string: %d rows, %v", len(rows), err)
		}
		_, err = aiosql.One[int](ctx, db, "rows 0")
		if err == nil {
			t.Error("two columns into an int, without rows: no error")
		}
		_, err = aiosql.One[person](ctx, db, "rows 0")
		if err != sql.ErrNoRows {
			t.Errorf("no rows: %v", err)
		}
		return nil
	})
	f.want(t, "1: closed after 0", "1: closed after 0", "1: closed after 14", "1: closed after 0",
		"1: closed after 0")
}

func TestRowsWhoseColumnsAreNotKnown(t *testing.T) {
	db, _ := newDB(t)
	day := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	run(t, func(ctx context.Context) error {
		for row, err := range db.Query(ctx, "row", 7, "seven", nil, day, 7.5, true, []byte("raw")) {
			if err != nil {
				return err
			}
			var (
				n    int
				s    string
				null *string
				at   time.Time
				f    float64
				b    bool
				raw  []byte
			)
			if err := row.Scan(&n, &s, &null, &at, &f, &b, &raw); err != nil {
				return err
			}
			if n != 7 || s != "seven" || null != nil || !at.Equal(day) || f != 7.5 || !b ||
				string(raw) != "raw" {
				t.Errorf("%v %v %v %v %v %v %v", n, s, null, at, f, b, raw)
			}
			var text string
			var there *int
			var any1, any2 any
			var maybe sql.NullString
			err := row.Scan(&text, &maybe, new(sql.NullInt32), &any1, &any2, new(bool), &raw)
			if err != nil || text != "7" || maybe.String != "seven" || any2 != 7.5 {
				t.Errorf("converted: %q %v %v %v", text, maybe, any2, err)
			}
			err = row.Scan(&there, new(string), new(any), new(any), new(float32), new(bool), new(string))
			if err != nil || *there != 7 {
				t.Errorf("a pointer: %v, %v", there, err)
			}
			for _, wrong := range [][]any{
				{new(int)},
				{new(int), new(string), new(string), new(any), new(any), new(any), new(any)}, // NULL
				{new(int), new(int), new(any), new(any), new(any), new(any), new(any)},       // "seven"
				{7, new(any), new(any), new(any), new(any), new(any), new(any)},
				{new(chan int), new(any), new(any), new(any), new(any), new(any), new(any)},
			} {
				if err := row.Scan(wrong...); err == nil ||
					!strings.HasPrefix(err.Error(), "aiosql: Row.Scan: ") {
					t.Errorf("Scan(%T): %v", wrong, err)
				}
			}
			if row.Value("column_2") != "seven" || row.Value("column_3") != nil || row.Value("none") != nil {
				t.Errorf("by name: %v", row.Value("column_2"))
			}
			if len(row.Columns()) != 7 || len(row.Values()) != 7 {
				t.Errorf("%q, %v", row.Columns(), row.Values())
			}
		}
		return nil
	})
}

func TestABreakClosesTheRowsBeforeTheLoopGoesOn(t *testing.T) {
	db, f := newDB(t, aiosql.MaxConns(1))
	run(t, func(ctx context.Context) error {
		n := 0
		for _, err := range aiosql.Query[person](ctx, db, "rows 1000") {
			if err != nil {
				return err
			}
			if n++; n == 5 { // the third batch, of four
				break
			}
		}
		f.want(t, "1: closed after 7")
		if s := db.Statistics(); s.InUse != 0 {
			t.Errorf("the statistics are %+v", s)
		}
		_, err := db.Exec(ctx, "next")
		return err
	})
	f.want(t, "1: next")
}

func TestAPanicInTheBodyClosesTheRows(t *testing.T) {
	db, f := newDB(t)
	run(t, func(ctx context.Context) error {
		func() {
			defer func() {
				if v := recover(); v != "ouch" {
					t.Errorf("the panic is %v", v)
				}
			}()
			for range aiosql.Query[person](ctx, db, "rows 10") {
				panic("ouch")
			}
		}()
		f.want(t, "1: closed after 1")
		return nil
	})
}

func TestBatchesGrowUpToTheirLimit(t *testing.T) {
	db, f := newDB(t, aiosql.Batch(4))
	run(t, func(ctx context.Context) error {
		var closedAfter []string
		for stop := range 12 {
			for p, err := range aiosql.Query[person](ctx, db, "rows 100") {
				if err != nil {
					return err
				}
				if p.ID == stop {
					break
				}
			}
			f.mu.Lock()
			closedAfter = append(closedAfter, strings.TrimPrefix(f.log[len(f.log)-1], "1: closed after "))
			f.mu.Unlock()
		}
		if want := "1 3 3 7 7 7 7 11 11 11 11 15"; strings.Join(closedAfter, " ") != want {
			t.Errorf("fetched were %s rows, want %s", closedAfter, want)
		}
		return nil
	})
}

func TestABatchThatTakesLongIsHandedOverAsItIs(t *testing.T) {
	db, f := newDB(t)
	db.Collect(-1) // any time is long
	run(t, func(ctx context.Context) error {
		for p, err := range aiosql.Query[person](ctx, db, "rows 100") {
			if err != nil {
				return err
			}
			if p.ID == 20 {
				break
			}
		}
		return nil
	})
	f.want(t, "1: closed after 21")
}

func TestTheFirstRowComesBeforeTheSecondIsThere(t *testing.T) {
	db, f := newDB(t)
	run(t, func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			var seen []int
			g.Go(func(ctx context.Context) error {
				for p, err := range aiosql.Query[person](ctx, db, "slow 2") {
					if err != nil {
						return err
					}
					seen = append(seen, p.ID)
				}
				return nil
			})
			if err := aio.Send(ctx, f.gate, 0); err != nil {
				return err
			}
			for _, want := range []string{"row 0", "row 1"} {
				if got, err := f.beganOne(ctx); got != want || err != nil {
					t.Errorf("%q, %v", got, err)
				}
			}
			if !slices.Equal(seen, []int{0}) {
				t.Errorf("while the second row is waited for, %v have come", seen)
			}
			return aio.Send(ctx, f.gate, 0)
		})
	})
}

func TestAnErrorAmongRowsComesAfterThoseBeforeIt(t *testing.T) {
	db, f := newDB(t)
	run(t, func(ctx context.Context) error {
		n, failures := 0, 0
		for _, err := range aiosql.Query[person](ctx, db, "broken 5") {
			if err != nil {
				failures++
				if !errors.Is(err, errFake) {
					t.Errorf("the error is %v", err)
				}
				continue
			}
			n++
		}
		if n != 5 || failures != 1 {
			t.Errorf("%d rows, %d errors", n, failures)
		}
		_, err := aiosql.One[int](ctx, db, "fail")
		if !errors.Is(err, errFake) {
			t.Errorf("a statement that fails: %v", err)
		}
		return nil
	})
	f.want(t, "1: closed after 5")
}

func TestAQueryThatIsCancelledEndsAndGivesItsConnectionBack(t *testing.T) {
	for _, query := range []string{"hang", "slow 3"} {
		t.Run(query, func(t *testing.T) {
			db, f := newDB(t, aiosql.MaxConns(1))
			run(t, func(ctx context.Context) error {
				task := aio.Start(ctx, func(ctx context.Context) error {
					_, err := aiosql.All[person](ctx, db, query)
					return err
				})
				if _, err := f.beganOne(ctx); err != nil {
					return err
				}
				task.Cancel(errors.New("enough"))
				if _, err := task.Await(ctx); !errors.Is(err, aio.ErrCancelled) || !task.Cancelled() {
					t.Errorf("it ended with %v", err)
				}
				if s := db.Statistics(); s.InUse != 0 || f.calls != 0 {
					t.Errorf("the statistics are %+v", s)
				}
				_, err := db.Exec(ctx, "next")
				return err
			})
		})
	}
}

func TestABlockThatEndsTakesAStatementAlongAlsoWithTheContextAround(t *testing.T) {
	db, f := newDB(t)
	run(t, func(around context.Context) error {
		return aio.Group(around, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error {
				_, err := f.beganOne(ctx)
				g.Cancel(errors.New("enough"))
				return err
			})
			//aiovet:ignore the context around is what the test is about
			if _, err := db.Exec(around, "hang"); !errors.Is(err, aio.ErrCancelled) {
				t.Errorf("it ended with %v", err)
			}
			return nil
		})
	})
}

func TestACancelledContextStartsNothing(t *testing.T) {
	db, f := newDB(t)
	run(t, func(ctx context.Context) error {
		task := aio.Start(ctx, func(ctx context.Context) error {
			aio.CurrentTask(ctx).Cancel(nil)
			_, err := db.Exec(ctx, "too late")
			return err
		})
		_, err := task.Await(ctx)
		if !errors.Is(err, aio.ErrCancelled) {
			t.Errorf("it ended with %v", err)
		}
		return nil
	})
	f.want(t)
}

func TestAStatementThatWasDoneCountsThoughItWasCancelled(t *testing.T) {
	db, f := newDB(t)
	run(t, func(ctx context.Context) error {
		task := aio.Start(ctx, func(ctx context.Context) error {
			_, err := db.Exec(ctx, "stubborn")
			if err != nil {
				t.Errorf("the statement ended with %v", err)
			}
			return err
		})
		if _, err := f.beganOne(ctx); err != nil {
			return err
		}
		task.Cancel(nil)
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		if task.Done() {
			t.Error("it did not wait for the driver")
		}
		if err := aio.Send(ctx, f.gate, 0); err != nil {
			return err
		}
		if _, err := task.Await(ctx); !errors.Is(err, aio.ErrCancelled) {
			t.Errorf("the task ended with %v", err)
		}
		return nil
	})
	f.want(t, "1: stubborn")
}

func TestTheLoopGoesOnWhileADatabaseIsBusy(t *testing.T) {
	db, f := newDB(t)
	run(t, func(ctx context.Context) error {
		task := aio.Start(ctx, func(ctx context.Context) error {
			_, err := db.Exec(ctx, "stubborn")
			return err
		})
		if _, err := f.beganOne(ctx); err != nil {
			return err
		}
		for range 100 {
			if err := aio.Yield(ctx); err != nil {
				return err
			}
		}
		if task.Done() {
			t.Error("it has ended")
		}
		if err := aio.Send(ctx, f.gate, 0); err != nil {
			return err
		}
		_, err := task.Await(ctx)
		return err
	})
}
