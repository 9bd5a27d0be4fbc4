package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

// A fakePlayer takes as long for an operation as it is told, on a clock that
// all players of a test share.
type fakePlayer struct {
	name  string
	cost  time.Duration
	hall  *fakeHall
	fails int // the call that fails, counted from 1; 0: none
	calls int
}

// A fakeHall records what its players were asked.
type fakeHall struct {
	clock time.Time
	calls []string
	open  int
	opens int
}

var errBroken = errors.New("broken")

func (p *fakePlayer) round(_ context.Context, w work, reps int) (float64, error) {
	p.hall.calls = append(p.hall.calls, fmt.Sprintf("%s*%d", p.name, reps))
	if p.calls++; p.calls == p.fails {
		return 0, errBroken
	}
	took := time.Duration(w.size*reps) * p.cost
	p.hall.clock = p.hall.clock.Add(took)
	return perOp(took, w.size*reps), nil
}

func (p *fakePlayer) close() error { p.hall.open--; return nil }

func (h *fakeHall) seat(name string, cost time.Duration, fails int) *seat {
	p := &fakePlayer{name: name, cost: cost, fails: fails, hall: h}
	return &seat{name: name, budget: largeBudget, open: func(context.Context) (player, error) {
		h.open++
		h.opens++
		return p, nil
	}}
}

func (h *fakeHall) runner(rounds int) *runner {
	return &runner{
		rounds: rounds, roundTime: 50 * time.Millisecond,
		now:      func() time.Time { return h.clock },
		progress: func(int, int) {},
	}
}

func TestContestantsTakeTurnsInEachRound(t *testing.T) {
	h := &fakeHall{}
	seats := []*seat{h.seat("a", time.Millisecond, 0), h.seat("b", time.Millisecond, 0),
		h.seat("c", time.Millisecond, 0)}
	if err := h.runner(4).run(t.Context(), work{name: "w", size: 100, once: true}, seats); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"a*1", "b*1", "c*1", // each finds its repetitions
		"a*1", "b*1", "c*1",
		"c*1", "b*1", "a*1",
		"b*1", "c*1", "a*1",
		"b*1", "a*1", "c*1",
	}
	if !slices.Equal(h.calls, want) {
		t.Errorf("the rounds were\n%v, want\n%v", h.calls, want)
	}
	for _, s := range seats {
		if len(s.figures) != 4 {
			t.Errorf("%s has %d figures, want those of 4 rounds: the first is not counted",
				s.name, len(s.figures))
		}
	}
}

func TestEveryRoundHasEachContestantOnceAndNoneAlwaysLeads(t *testing.T) {
	for players := 1; players <= 9; players++ {
		leads := map[int]int{}
		for round := range 2 * players {
			turn := order(round, players)
			leads[turn[0]]++
			slices.Sort(turn)
			for i := range players {
				if turn[i] != i {
					t.Fatalf("round %d of %d players has %v", round, players, turn)
				}
			}
		}
		for i := range players {
			if leads[i] != 2 {
				t.Errorf("of %d players number %d leads %d times in %d rounds, want 2",
					players, i, leads[i], 2*players)
			}
		}
	}
}

func TestAShortWorkIsRepeatedUntilARoundIsLongEnough(t *testing.T) {
	h := &fakeHall{}
	s := h.seat("a", 100*time.Nanosecond, 0)
	if err := h.runner(3).run(t.Context(), work{name: "w", size: 1}, []*seat{s}); err != nil {
		t.Fatal(err)
	}
	want := []string{"a*1", "a*100", "a*10000", "a*500000", "a*500000", "a*500000", "a*500000"}
	if !slices.Equal(h.calls, want) {
		t.Errorf("the requests were %v, want %v", h.calls, want)
	}
	if len(s.figures) != 3 || median(s.figures) != 100 {
		t.Errorf("the figures are %v, want 3 times 100", s.figures)
	}
}

func TestALargeWorkIsRepeatedAtLeastFourTimesUnlessItIsVeryLong(t *testing.T) {
	for _, c := range []struct {
		cost time.Duration
		want int
	}{{40 * time.Millisecond, 4}, {190 * time.Millisecond, 4}, {210 * time.Millisecond, 1}} {
		h := &fakeHall{}
		s := h.seat("a", c.cost/1000, 0)
		if err := h.runner(3).run(t.Context(), work{name: "w", size: 1000}, []*seat{s}); err != nil {
			t.Fatal(err)
		}
		if s.reps != c.want {
			t.Errorf("a repetition of %v is done %d times a round, want %d", c.cost, s.reps, c.want)
		}
	}
}

func TestASlowContestantDoesFewerRoundsSpreadOverTheRow(t *testing.T) {
	for _, c := range []struct {
		took time.Duration
		want int
	}{{0, 9}, {50 * time.Millisecond, 9}, {time.Second, 5}, {2 * time.Second, 3},
		{6 * time.Second, 0}} {
		if got := turnsFor(c.took, largeBudget, 9); got != c.want {
			t.Errorf("turnsFor(%v, 9) = %d, want %d", c.took, got, c.want)
		}
	}
	var turns []int
	for round := range 9 {
		if due(round, 3, 9) {
			turns = append(turns, round)
		}
	}
	if !slices.Equal(turns, []int{2, 5, 8}) {
		t.Errorf("3 turns in 9 rounds are %v, want [2 5 8]", turns)
	}
}

func TestARoundTooSlowToRepeatIsTheFigure(t *testing.T) {
	h := &fakeHall{}
	s := h.seat("a", 60*time.Microsecond, 0)
	if err := h.runner(9).run(t.Context(), work{name: "w", size: 100_000}, []*seat{s}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(h.calls, []string{"a*1"}) || !slices.Equal(s.figures, []float64{60_000}) {
		t.Errorf("a round of 6 s was asked for as %v and gave %v, want it once, as the figure",
			h.calls, s.figures)
	}
}

func TestAFreshWorkGetsANewProcessForEachRound(t *testing.T) {
	h := &fakeHall{}
	s := h.seat("a", time.Millisecond, 0)
	err := h.runner(9).run(t.Context(), work{name: "w", size: 10, once: true, fresh: true}, []*seat{s})
	if err != nil {
		t.Fatal(err)
	}
	if h.opens != 3 || h.open != 0 || len(s.figures) != 3 {
		t.Errorf("%d processes were opened and %d left open, %d figures counted, want 3, 0 and 3",
			h.opens, h.open, len(s.figures))
	}
}

func TestAContestantThatFailsIsOutAndTheOthersGoOn(t *testing.T) {
	for call := 1; call <= 3; call++ {
		h := &fakeHall{}
		bad, good := h.seat("bad", time.Millisecond, call), h.seat("good", time.Millisecond, 0)
		w := work{name: "w", size: 100, once: true}
		if err := h.runner(3).run(t.Context(), w, []*seat{bad, good}); err != nil {
			t.Fatal(err)
		}
		if !errors.Is(bad.err, errBroken) || bad.player != nil {
			t.Errorf("failing at call %d left the error %v", call, bad.err)
		}
		if good.err != nil || len(good.figures) != 3 {
			t.Errorf("the other contestant has %d figures and the error %v, want 3 and none",
				len(good.figures), good.err)
		}
		if r := newRow(w, 2, []*seat{bad, good}); len(r.Results) != 1 {
			t.Errorf("the row holds %v, want the good one's figure alone", r.Results)
		}
		if h.open != 0 {
			t.Errorf("%d processes are left open", h.open)
		}
	}
}

func TestAFigureThatIsNotPositiveIsAFailure(t *testing.T) {
	h := &fakeHall{}
	s := h.seat("a", 0, 0)
	err := h.runner(3).run(t.Context(), work{name: "w", size: 10, once: true}, []*seat{s})
	if err != nil {
		t.Fatal(err)
	}
	if s.err == nil {
		t.Error("a round that took no time was accepted")
	}
}

func TestAnInterruptEndsTheRowAndItsProcesses(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	h := &fakeHall{}
	r := h.runner(9)
	r.progress = func(done, _ int) {
		if done == 3 {
			cancel()
		}
	}
	seats := []*seat{h.seat("a", time.Millisecond, 0), h.seat("b", time.Millisecond, 0)}
	err := r.run(ctx, work{name: "w", size: 100, once: true}, seats)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the run ended with %v, want context.Canceled", err)
	}
	if h.open != 0 {
		t.Errorf("%d processes are left open", h.open)
	}
}
