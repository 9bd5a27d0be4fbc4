package main

import (
	"context"
	"fmt"
	"time"
)

// A player is a contestant ready to do rounds.
type player interface {
	// round does one round and returns the figure of one operation.
	round(ctx context.Context, w work, reps int) (float64, error)
	close() error
}

// A seat is a place in a row: a contestant and its results so far.
type seat struct {
	name string
	// open makes the contestant ready, in a new process.
	open func(ctx context.Context) (player, error)
	// budget is how much time its rounds may take together.
	budget time.Duration

	player  player // nil while none runs
	reps    int
	turns   int // rounds it takes part in
	figures []float64
	err     error // why it is out
}

// A runner measures rows.
type runner struct {
	rounds    int
	roundTime time.Duration // what a round of a repeated work is to take
	now       func() time.Time
	progress  func(done, of int) // called before each step
}

// Slow contestants do fewer rounds: as many as fit into their budget, but at
// least minRounds, and only one where one takes longer than the whole budget.
const (
	largeBudget  = 5 * time.Second // for aio and goroutines, whose ratio matters most
	middleBudget = 2 * time.Second
	smallBudget  = time.Second // for those an order of magnitude away
	minRounds    = 3
)

// A round of a work that can be repeated has at least minReps repetitions, besides those that warm
// it up: the first after a garbage collection finds cold pools and new stacks. It has fewer if one
// repetition takes longer than warmWithin rounds.
const (
	minReps    = 4
	warmWithin = 4
)

// run measures one work on all seats. First each contestant finds out how often it has to repeat.
// Then they do the rounds in turn, one contestant at a time, so that disturbances of the machine
// hit all alike. A contestant that fails is out, with the reason in its seat. The error is that of
// ctx alone.
func (r *runner) run(ctx context.Context, w work, seats []*seat) error {
	defer func() {
		for _, s := range seats {
			s.rest()
		}
	}()
	steps, step := len(seats)*(r.rounds+1), 0
	for _, s := range seats {
		r.progress(step, steps)
		step++
		if s.err = r.calibrate(ctx, w, s); ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	for turn := range r.rounds {
		for _, i := range order(turn, len(seats)) {
			s := seats[i]
			r.progress(step, steps)
			step++
			if s.err != nil || !due(turn, s.turns, r.rounds) {
				continue
			}
			figure, err := s.round(ctx, w)
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if err != nil {
				s.err = err
				s.rest()
				continue
			}
			s.figures = append(s.figures, figure)
		}
	}
	return nil
}

// calibrate finds how many repetitions make a round and how many rounds the
// contestant does. Its rounds are not counted, except one so slow that it has
// to do, or one of a fresh work.
func (r *runner) calibrate(ctx context.Context, w work, s *seat) error {
	for s.reps = 1; ; {
		began := r.now()
		figure, err := s.round(ctx, w)
		if err != nil {
			s.rest()
			return err
		}
		took := r.now().Sub(began)
		inside := time.Duration(figure * float64(w.size) * float64(s.reps))
		if w.once || inside >= r.roundTime/2 {
			if !w.once && inside < warmWithin*r.roundTime {
				s.reps = max(s.reps, minReps)
			}
			s.turns = turnsFor(took, s.budget, r.rounds)
			if w.fresh { // every round begins in a new process, so this one counts
				s.turns = min(s.turns, minRounds) - 1
			}
			if s.turns <= 0 || w.fresh {
				s.figures = append(s.figures, figure)
			}
			return nil
		}
		// As testing.B does: aim for the time, but grow at most a hundredfold.
		wanted := float64(s.reps) * 100
		if inside > 0 {
			wanted = min(wanted, float64(s.reps)*float64(r.roundTime)/float64(inside))
		}
		s.reps = max(s.reps+1, int(wanted))
	}
}

// turnsFor returns how many of the rounds a contestant takes part in whose
// round took so long; 0 if the one it has done must do.
func turnsFor(took, budget time.Duration, rounds int) int {
	if took > budget {
		return 0
	}
	if took <= 0 {
		return rounds
	}
	return min(rounds, max(minRounds, int(budget/took)))
}

// due spreads turns evenly over the rounds and reports whether this round is
// one of them.
func due(round, turns, rounds int) bool {
	turns = max(turns, 0)
	return (round+1)*turns/rounds > round*turns/rounds
}

// order returns the order of the contestants in a round. Each round another one begins, and every
// second round goes backwards, so that none always comes after the same one.
func order(round, players int) []int {
	turn := make([]int, players)
	for i := range turn {
		at := (round/2 + i) % players
		if round%2 == 1 {
			at = players - 1 - at
		}
		turn[i] = at
	}
	return turn
}

// round does one round, in a new process if none runs or the work wants one.
func (s *seat) round(ctx context.Context, w work) (float64, error) {
	if s.player == nil {
		p, err := s.open(ctx)
		if err != nil {
			return 0, err
		}
		s.player = p
	}
	figure, err := s.player.round(ctx, w, s.reps)
	if w.fresh || err != nil {
		s.rest()
	}
	if err == nil && !(figure > 0) {
		err = fmt.Errorf("measured %v %s", figure, w.unit)
	}
	return figure, err
}

// rest ends the contestant's process, if one runs.
func (s *seat) rest() {
	if s.player != nil {
		s.player.close()
		s.player = nil
	}
}
