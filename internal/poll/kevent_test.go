package poll

import (
	"slices"
	"testing"
)

func TestAnInterestIsWatchedByItsFilters(t *testing.T) {
	for i, want := range map[Interest][]filter{
		0:                            nil,
		Readable:                     {readFilter},
		Writable:                     {writeFilter},
		Readable | Writable | Edge:   {readFilter, writeFilter},
		HangUp:                       {readFilter},
		HangUp | Writable:            {writeFilter},
		HangUp | Readable | Edge:     {readFilter},
		Readable | Writable | HangUp: {readFilter, writeFilter},
	} {
		if got := filters(i); !slices.Equal(got, want) {
			t.Errorf("%b: %v, want %v", i, got, want)
		}
	}
}

func TestAReportOfAFilterIsAnInterest(t *testing.T) {
	for _, c := range []struct {
		f    filter
		eof  bool
		want Interest
	}{
		{readFilter, false, Readable},
		{readFilter, true, Readable | HangUp},
		{writeFilter, false, Writable},
		{writeFilter, true, Readable | Writable | HangUp},
	} {
		if got := fromKevent(c.f, c.eof); got != c.want {
			t.Errorf("%v, %v: %b, want %b", c.f, c.eof, got, c.want)
		}
	}
}
