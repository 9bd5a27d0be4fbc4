package distributed

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

// searching are feeds of workers that hear each other.
type searching []*feed

// newSearching makes n feeds. The workers for which has is true have every function.
func newSearching(ctx context.Context, n int, has func(i int) bool) searching {
	var all searching
	for i := range n {
		c := &Client{loop: aio.RunningLoop(ctx), names: names{"s"}, out: &outbox{}}
		c.online.Store(true)
		all = append(all, &feed{Client: c, searches: map[string]*search{},
			requests: map[string]*pull{}, may: func(string) bool { return has(i) }})
	}
	return all
}

// pump carries the messages that are there, and returns how many questions and answers there were.
func (all searching) pump() (questions, answers int) {
	for _, from := range all {
		msgs := from.out.msgs
		from.out.msgs = nil
		for _, m := range msgs {
			for _, to := range all {
				if m.Subject == "s.who" {
					to.takeWho(m)
				} else {
					to.takeHave(m)
				}
			}
			if m.Subject == "s.who" {
				questions++
			} else {
				answers++
			}
		}
	}
	return questions, answers
}

func inVirtualTime(t *testing.T, fn func(ctx context.Context) error) {
	t.Helper()
	if err := aio.Run(t.Context(), fn, aio.WithClock(aio.NewVirtualClock())); err != nil {
		t.Error(err)
	}
}

func TestOneAnswerIsEnoughForAllWorkersThatSearch(t *testing.T) {
	inVirtualTime(t, func(ctx context.Context) error {
		all := newSearching(ctx, 40, func(i int) bool { return i%2 == 1 })
		for round := range 100 {
			old := all[round*2%40]
			if old.nobody("f", time.Second) {
				t.Fatalf("round %d: half of the workers have it", round)
			}
			if n, _ := all.pump(); n != 1 {
				t.Fatalf("%d questions", n)
			}
			if err := aio.Sleep(ctx, answerAfter); err != nil {
				return err
			}
			if _, n := all.pump(); n < 1 { // several at a time until one of them is heard
				t.Fatalf("%d answers", n)
			}
			if err := aio.Sleep(ctx, maxPause); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestNobodyHasAFunctionForWhichNoWorkerAnswers(t *testing.T) {
	inVirtualTime(t, func(ctx context.Context) error {
		all := newSearching(ctx, 30, func(i int) bool { return false })
		var got []bool
		for i := range 5 {
			got = append(got, all[i].nobody("f", 5*time.Second))
			all.pump()
			if err := aio.Sleep(ctx, maxPause); err != nil {
				return err
			}
		}
		if fmt.Sprint(got) != "[false false false true true]" {
			t.Error(got)
		}
		// A search that has been left is no proof.
		if err := aio.Sleep(ctx, time.Minute); err != nil {
			return err
		}
		if all[0].nobody("f", 5*time.Second) {
			t.Error("a worker may have come in this minute")
		}
		// Nor are questions whose answers may have got lost.
		if err := aio.Sleep(ctx, 5*time.Second); err != nil {
			return err
		}
		all[0].reconnected()
		if all[0].nobody("f", 5*time.Second) {
			t.Error("the connection was lost meanwhile")
		}
		return nil
	})
}

// The worker that has the function may have had no connection when the first question came.
func TestOneUnansweredQuestionIsNoProof(t *testing.T) {
	inVirtualTime(t, func(ctx context.Context) error {
		f := newSearching(ctx, 1, func(int) bool { return false })[0]
		var got []bool
		for range 4 {
			got = append(got, f.nobody("f", time.Second))
			if err := aio.Sleep(ctx, maxPause); err != nil {
				return err
			}
		}
		if fmt.Sprint(got) != "[false false true true]" {
			t.Error(got)
		}
		return nil
	})
}

func TestAnyNumberOfSearchesNeedsBoundedMemoryAndSomeComeToAnEnd(t *testing.T) {
	inVirtualTime(t, func(ctx context.Context) error {
		f := newSearching(ctx, 1, func(int) bool { return false })[0]
		ended := 0
		for range 5 {
			for i := range maxSearches + maxSearches/2 {
				if f.nobody(fmt.Sprint(i), 3*time.Second) {
					ended++
				}
			}
			f.out.msgs = nil
			if len(f.searches) > maxSearches {
				t.Fatalf("%d searches", len(f.searches))
			}
			if err := aio.Sleep(ctx, maxPause); err != nil {
				return err
			}
		}
		if ended < maxSearches {
			t.Errorf("%d searches have ended", ended)
		}
		return nil
	})
}
