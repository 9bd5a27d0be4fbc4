package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// restart says when a service is started again after it has ended.
type restart int

const (
	always    restart = iota // whatever it ended with
	onFailure                // after an error or a panic
	never
)

func (r restart) String() string { return [...]string{"always", "on failure", "never"}[r] }

// strategy says which services are started again together with one that failed.
type strategy int

const (
	oneForOne  strategy = iota // it alone
	oneForAll                  // all
	restForOne                 // it, and those that were started after it, which may depend on it
)

var strategies = []string{"one-for-one", "one-for-all", "rest-for-one"}

func (s strategy) String() string { return strategies[s] }

// service is something that runs until it is told to end.
type service struct {
	name    string
	restart restart
	run     func(ctx context.Context) error
}

// supervisor runs services and starts them again when they end.
type supervisor struct {
	strategy strategy
	restarts int           // at most so many,
	within   time.Duration // in so much time; one more, and the supervisor gives up
	pause    time.Duration // before the first restart; it doubles with each further one of them
	services []service
	tell     func(service, event string, err error)

	tasks   []*aio.Task[aio.None] // of the services that run; nil for others
	ended   *aiosync.Queue[int]   // services whose task has ended by itself
	history []time.Time           // the restarts within the time
}

// errGaveUp is the error of a supervisor whose services fail too often.
var errGaveUp = errors.New("too many restarts")

// errStopped is the reason for which services are cancelled.
var errStopped = errors.New("stopped by the supervisor")

// run supervises until it is cancelled or gives up. Its services have ended when it returns. If no
// service is left that runs, it returns nil.
func (s *supervisor) run(ctx context.Context) error {
	s.tasks = make([]*aio.Task[aio.None], len(s.services))
	s.ended = aiosync.NewQueue[int](0)
	defer s.stop(ctx, s.all())
	s.start(ctx, s.all())
	for slices.ContainsFunc(s.tasks, func(t *aio.Task[aio.None]) bool { return t != nil }) {
		i, err := s.ended.Get(ctx)
		if err != nil {
			return err
		}
		task := s.tasks[i]
		if task == nil || !task.Done() {
			continue // it was stopped, and perhaps started again, since it reported its end
		}
		s.tasks[i] = nil
		failure := task.Err()
		s.tell(s.services[i].name, "ended", failure)
		if r := s.services[i].restart; r == never || r == onFailure && failure == nil {
			continue
		}
		if err := s.again(ctx, s.affected(i), failure); err != nil {
			return err
		}
	}
	return nil
}

func (s *supervisor) all() []int {
	var all []int
	for i := range s.services {
		all = append(all, i)
	}
	return all
}

// affected are the services that are started again when one has failed, in their order.
func (s *supervisor) affected(i int) []int {
	switch s.strategy {
	case oneForAll:
		return s.all()
	case restForOne:
		return s.all()[i:]
	}
	return []int{i}
}

// again stops services and starts them again, after a pause, unless that happened too often.
func (s *supervisor) again(ctx context.Context, which []int, failure error) error {
	now := aio.RunningLoop(ctx).Time()
	s.history = append(slices.DeleteFunc(s.history, func(at time.Time) bool {
		return now.Sub(at) > s.within
	}), now)
	if len(s.history) > s.restarts {
		if failure == nil {
			return errGaveUp
		}
		return fmt.Errorf("%w: %w", errGaveUp, failure)
	}
	s.stop(ctx, which)
	// One that is never started again stays ended, also when others are started again.
	which = slices.DeleteFunc(which, func(i int) bool {
		return s.services[i].restart == never
	})
	if err := aio.Sleep(ctx, s.pause<<(len(s.history)-1)); err != nil {
		return err
	}
	s.start(ctx, which)
	return nil
}

// start starts services, in their order.
func (s *supervisor) start(ctx context.Context, which []int) {
	for _, i := range which {
		s.tell(s.services[i].name, "started", nil)
		// A task and not a member of a group: a group would end all when one fails.
		s.tasks[i] = aio.Start(ctx, s.services[i].run, aio.Name(s.services[i].name))
		s.tasks[i].AddDoneCallback(func() { s.ended.PutNowait(i) })
	}
}

// stop ends services, the last one first, and waits for each. It does so also when ctx is
// cancelled.
func (s *supervisor) stop(ctx context.Context, which []int) {
	ctx = context.WithoutCancel(ctx)
	for _, i := range slices.Backward(which) {
		task := s.tasks[i]
		if task == nil {
			continue
		}
		s.tasks[i] = nil
		task.Cancel(errStopped)
		aio.Wait(ctx, aio.AllCompleted, task)
		err := task.Err()
		if errors.Is(err, errStopped) {
			err = nil
		}
		s.tell(s.services[i].name, "stopped", err)
	}
}
