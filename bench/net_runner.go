package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// A netSeat is a contestant in a row of the suite net.
type netSeat struct {
	name string
	// open starts the server in a new process.
	open func(ctx context.Context) (server, error)

	server  server // nil while none runs
	samples []sample
	err     error // why it is out
}

// A sample is what one round came to.
type sample struct {
	figure float64
	rate   float64 // operations a second; 0 where the work has none
	others float64 // CPUs that everything else on the machine used
}

// calm is how many CPUs others may use without being in the way.
const calm = 0.15

// A server is a contestant that serves.
type server interface {
	// load has the load generator do one round on it.
	load(ctx context.Context, spec loadSpec) (loadResult, error)
	close() error
}

// A netRunner measures the rows of the suite net.
type netRunner struct {
	rounds   int
	window   time.Duration      // how long a round is measured
	progress func(done, of int) // called before each step
}

// warmUp is the part of the window for which there is load before: one in so
// many.
const warmUp = 4

// run measures one work on all seats, in turn: each has its server running and
// idle while the others are under load. A contestant that fails is out, with
// the reason in its seat; the error is that of ctx alone.
func (r *netRunner) run(ctx context.Context, w work, seats []*netSeat) error {
	defer func() {
		for _, s := range seats {
			s.leave()
		}
	}()
	rounds := r.rounds
	if w.fresh {
		rounds = min(rounds, minRounds)
	}
	steps, step := len(seats)*rounds, 0
	for turn := 0; turn < rounds || turn < 2*rounds && disturbed(w, seats, rounds); turn++ {
		if turn == rounds {
			steps *= 2
		}
		for _, i := range order(turn, len(seats)) {
			s := seats[i]
			r.progress(step, steps)
			step++
			if s.err != nil {
				continue
			}
			spec := loadSpec{
				Kind:   w.load,
				Conns:  w.conns,
				Warm:   r.window / warmUp,
				Window: r.window,
				Round:  turn,
			}
			s.err = s.round(ctx, w, spec)
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if w.fresh || s.err != nil {
				s.leave()
			}
		}
	}
	return nil
}

// disturbed reports whether a server has not had its rounds in peace, which
// gives all of them more. Memory does not mind what others do.
func disturbed(w work, seats []*netSeat, rounds int) bool {
	return w.unit != bytesPerConn && slices.ContainsFunc(seats, func(s *netSeat) bool {
		best := s.best(rounds)
		return s.err == nil && len(best) > 0 && best[len(best)-1].others > calm
	})
}

// best returns the samples that count: a number of them, in which other processes used the least.
// The figures themselves play no part in it.
func (s *netSeat) best(rounds int) []sample {
	sorted := slices.SortedStableFunc(slices.Values(s.samples), func(a, b sample) int {
		return cmp.Compare(a.others, b.others)
	})
	return sorted[:min(rounds, len(sorted))]
}

// round does one round and keeps its result.
func (s *netSeat) round(ctx context.Context, w work, spec loadSpec) error {
	if s.server == nil {
		var err error
		if s.server, err = s.open(ctx); err != nil {
			return err
		}
	}
	result, err := s.server.load(ctx, spec)
	if err != nil {
		return err
	}
	figure, rate := w.figure(result)
	if !(figure > 0) {
		return fmt.Errorf("measured %v %s", figure, w.unit)
	}
	s.samples = append(s.samples, sample{figure, rate, result.Others})
	return nil
}

// leave ends the server's process, if one runs.
func (s *netSeat) leave() {
	if s.server != nil {
		s.server.close()
		s.server = nil
	}
}

// figure returns what the row reports of a result, and the operations a second
// where that is not the figure itself.
func (w work) figure(r loadResult) (figure, rate float64) {
	switch w.unit {
	case bytesPerConn:
		return float64(r.Memory) / float64(r.Ops), 0
	case connsPerSecond:
		return r.perSecond(), 0
	default:
		return r.cpuPerOp(), r.perSecond()
	}
}

// A servingProcess is a server that is a process.
type servingProcess struct {
	*process
	port     int
	collects bool // garbage, when it gets the signal
}

// load adds where the server is to the spec.
func (p *servingProcess) load(ctx context.Context, spec loadSpec) (loadResult, error) {
	spec.Port, spec.PID, spec.Settle = p.port, p.cmd.Process.Pid, p.collects
	result, err := runLoad(ctx, spec)
	if err != nil && ctx.Err() == nil {
		// A server that died is the cause of the load generator's error.
		select {
		case _, running := <-p.lines:
			if !running {
				_, err = p.answer(ctx, time.Second)
			}
		default:
		}
	}
	return result, err
}

// serve starts the contestant's server for a work.
func (e *entrant) serve(ctx context.Context, w work, procs int) (server, error) {
	p, err := e.start(ctx, procs)
	if err != nil {
		return nil, err
	}
	port, err := p.ask(ctx, w.name, startTimeout)
	if err != nil {
		p.close()
		return nil, err
	}
	return &servingProcess{process: p, port: int(port), collects: e.collects}, nil
}

// netSeatsFor gives a seat to each contestant that serves the work.
func netSeatsFor(w work, procs int, entrants []*entrant) []*netSeat {
	var seats []*netSeat
	for _, e := range entrants {
		if e.takesPart(w) {
			seats = append(seats,
				&netSeat{name: e.name, open: func(ctx context.Context) (server, error) {
					return e.serve(ctx, w, procs)
				}})
		}
	}
	return seats
}

// measureNet measures a row of the suite net. The error is that of ctx alone;
// contestants that failed are in the map, with the reason.
func measureNet(
	ctx context.Context,
	c *config,
	rep *report,
	w work,
	procs int,
	entrants []*entrant,
	progress func(done, of int),
) (row, map[string]error, error) {
	if c.profile != "" {
		prefix := fmt.Sprintf("%s-%d-procs%d", w.name, w.conns, procs)
		os.Setenv(profileEnv, filepath.Join(c.profile, prefix))
		defer os.Unsetenv(profileEnv)
	}
	for _, e := range entrants {
		if reason, lacks := netLacks[e.name+"/"+w.name]; lacks {
			rep.Absent[e.name+"/"+w.name] = reason
		}
	}
	r := netRunner{rounds: c.rounds, window: c.roundTime, progress: progress}
	seats := netSeatsFor(w, procs, entrants)
	if err := r.run(ctx, w, seats); err != nil {
		return row{}, nil, err
	}
	failed := map[string]error{}
	for _, s := range seats {
		if s.err != nil {
			failed[s.name] = s.err
		}
	}
	return newNetRow(w, procs, seats, c.rounds), failed, nil
}
