package main

import (
	"context"
	"reflect"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiofile"
	"github.com/aio-go/aio/aiotest"
)

func TestATornRecordIsDroppedFromTheFile(t *testing.T) {
	put := func(n int) entry { return entry{1, ask{"c", n, operation{"put", "x", "y"}}} }
	aiotest.Run(t, func(ctx context.Context, t *aiotest.T) error {
		ctx = aiotest.NewWorld(ctx, t, aiotest.Faults{}).Host("a").Context(ctx)
		change := func(fn func(s *store)) saved {
			s := &store{}
			if err := s.open(ctx, "log"); err != nil {
				t.Fatal(err)
			}
			defer s.f.Close(ctx)
			keeper := aio.Start(ctx, func(ctx context.Context) error { return s.keep(ctx, func() {}) })
			defer keeper.Cancel(nil)
			fn(s)
			if err := s.wait(ctx); err != nil {
				t.Fatal(err)
			}
			return s.saved
		}
		want := change(func(s *store) { s.Term, s.Vote, s.Log = 1, "a", []entry{put(1), put(2)} })
		whole, err := aiofile.ReadFile(ctx, "log")
		if err != nil {
			return err
		}
		changed := change(func(s *store) {
			s.cut(1)
			s.Log = append(s.Log, put(3), put(4))
		})
		longer, err := aiofile.ReadFile(ctx, "log")
		if err != nil {
			return err
		}
		for n := len(whole); n <= len(longer); n++ {
			if err := aiofile.WriteFile(ctx, "log", longer[:n], 0o600); err != nil {
				return err
			}
			if n == len(longer) {
				want = changed
			}
			if got := change(func(*store) {}); !reflect.DeepEqual(got, want) {
				t.Errorf("after %d of %d bytes it is %v, want %v", n, len(longer), got, want)
			}
		}
		return nil
	})
}

func TestAMessageThatIsCutIsBroken(t *testing.T) {
	e := []entry{{2, ask{"c", 3, operation{"add", "key", "text"}}}}
	for _, m := range []struct{ from, to message }{
		{&request{Term: 1, Vote: &voteRequest{"a", 2, 3}}, &request{}},
		{&request{Term: 1, Append: &appendRequest{"a", 2, 3, e, 300}}, &request{}},
		{&request{Ask: &e[0].ask}, &request{}},
		{&answer{true, 1, "b", "value", "no", 5}, &answer{}},
		{&record{1, "a", 2, e}, &record{}},
	} {
		b := encode(m.from)
		if err := decode(b, m.to); err != nil || !reflect.DeepEqual(m.from, m.to) {
			t.Errorf("%+v became %+v, %v", m.from, m.to, err)
		}
		for n := range b {
			fresh := reflect.New(reflect.TypeOf(m.to).Elem()).Interface().(message)
			if err := decode(b[:n], fresh); err == nil {
				t.Errorf("%d of %d bytes are %+v", n, len(b), fresh)
			}
		}
	}
}
