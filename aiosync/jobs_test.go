package aiosync_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/internal/looptest"
)

func TestJobsOutliveTheBlockThatSpawnsThemAndStartInOrder(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		jobs := aiosync.NewJobs(2, 10, nil)
		err := aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
			for i := range 5 {
				_, err := jobs.Spawn(ctx, func(ctx context.Context) error {
					log.Add("begin %d", i)
					err := aio.Sleep(ctx, time.Minute) // longer than the block
					log.Add("end %d", i)
					return err
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		turns(ctx, 3)
		if s := jobs.Statistics(); s.Active != 2 || s.Pending != 3 {
			t.Errorf("%+v", s)
		}
		if err := jobs.Wait(ctx); err != nil {
			return err
		}
		log.Want(t, "begin 0", "begin 1", "end 0", "end 1", "begin 2", "begin 3", "end 2", "end 3",
			"begin 4", "end 4")
		report, err := jobs.Close(ctx, 0)
		if report != (aiosync.JobsReport{Done: 5}) {
			t.Errorf("%+v", report)
		}
		return err
	})
}

func TestSpawnWaitsWhileTooManyJobsArePending(t *testing.T) {
	run(t, func(ctx context.Context) error {
		jobs := aiosync.NewJobs(1, 1, nil)
		gate := looptest.Gate(ctx)
		job := func(ctx context.Context) error { _, err := gate.Await(ctx); return err }
		for range 2 {
			if _, err := jobs.Spawn(ctx, job); err != nil {
				return err
			}
		}
		err := aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
			_, err := jobs.Spawn(ctx, job)
			return err
		})
		looptest.WantTimeout(t, err)
		third := aio.Start(ctx, func(ctx context.Context) error {
			_, err := jobs.Spawn(ctx, job)
			return err
		})
		turns(ctx, 3)
		if third.Done() {
			t.Error("the third job was taken")
		}
		looptest.Open(gate)
		if _, err := third.Await(ctx); err != nil {
			return err
		}
		if err := jobs.Wait(ctx); err != nil {
			return err
		}
		if s := jobs.Statistics(); s.Done != 3 || s.Active+s.Pending != 0 {
			t.Errorf("%+v", s)
		}
		return nil
	})
}

func TestFailuresOfJobsGoToTheirHandler(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var log journal
		jobs := aiosync.NewJobs(3, 0, func(task aio.AnyTask, err error) {
			var p *aio.PanicError
			log.Add("%s: panic %v, error %v", task.Name(), errors.As(err, &p), errors.Is(err, errBoom))
		})
		for name, fn := range map[string]func(context.Context) error{
			"fails":  func(context.Context) error { return errBoom },
			"panics": func(context.Context) error { panic(errBoom) },
		} {
			if _, err := jobs.Spawn(ctx, fn, aio.Name(name)); err != nil {
				return err
			}
			if err := jobs.Wait(ctx); err != nil {
				return err
			}
		}
		cancelled, err := jobs.Spawn(ctx, forever)
		if err != nil {
			return err
		}
		cancelled.Cancel(nil)
		if err := jobs.Wait(ctx); err != nil {
			return err
		}
		if s := jobs.Statistics(); s.Failed != 2 || s.Cancelled != 1 || len(log) != 2 {
			t.Errorf("%+v, %v", s, log)
		}
		return nil
	})
}

func TestAFailureOfAJobWithoutAHandlerIsReportedUnlessItIsAwaited(t *testing.T) {
	seen, err := looptest.RunReports(t, func(ctx context.Context) error {
		jobs := aiosync.NewJobs(1, 1, nil)
		fail := func(context.Context) error { return errBoom }
		awaited, err := jobs.Spawn(ctx, fail)
		if err != nil {
			return err
		}
		if _, err := awaited.Await(ctx); err != errBoom {
			t.Errorf("error: %v", err)
		}
		if _, err := jobs.Spawn(ctx, fail, aio.Name("nobody waits")); err != nil {
			return err
		}
		return jobs.Wait(ctx)
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(seen.All()); n != 1 {
		t.Errorf("reports: %d, %v", n, seen.Strings())
	}
}

func TestCloseCancelsJobsAndReportsThoseThatDoNotEnd(t *testing.T) {
	run(t, func(ctx context.Context) error {
		jobs := aiosync.NewJobs(2, 1, nil)
		gate := looptest.Gate(ctx)
		if _, err := jobs.Spawn(ctx, forever); err != nil {
			return err
		}
		_, err := jobs.Spawn(ctx, func(ctx context.Context) error { // it does not heed the cancellation
			_, err := gate.Await(context.WithoutCancel(ctx))
			return err
		})
		if err != nil {
			return err
		}
		if _, err := jobs.Spawn(ctx, forever); err != nil { // pending
			return err
		}
		var waiting []*aio.Task[aio.None]
		for range 3 {
			waiting = append(waiting, aio.Start(ctx, func(ctx context.Context) error {
				_, err := jobs.Spawn(ctx, forever)
				return err
			}))
		}
		turns(ctx, 3)
		began := aio.RunningLoop(ctx).Time()
		report, err := jobs.Close(ctx, time.Second)
		if report != (aiosync.JobsReport{Cancelled: 2, Left: 1}) || err != nil {
			t.Errorf("%+v, %v", report, err)
		}
		if d := aio.RunningLoop(ctx).Time().Sub(began); d != time.Second {
			t.Errorf("it took %v", d)
		}
		for _, w := range waiting {
			if _, err := w.Await(ctx); err != aiosync.ErrJobsClosed {
				t.Errorf("Spawn: %v", err)
			}
		}
		looptest.Open(gate)
		report, err = jobs.Close(ctx, time.Second)
		if report != (aiosync.JobsReport{Done: 1, Cancelled: 2}) {
			t.Errorf("%+v", report)
		}
		return err
	})
}

func TestAJobMayCloseItsJobs(t *testing.T) {
	run(t, func(ctx context.Context) error {
		jobs := aiosync.NewJobs(2, 0, nil)
		var report aiosync.JobsReport
		_, err := jobs.Spawn(ctx, forever)
		if err != nil {
			return err
		}
		last, err := jobs.Spawn(ctx, func(ctx context.Context) (err error) {
			report, err = jobs.Close(ctx, time.Hour)
			return err
		})
		if err != nil {
			return err
		}
		_, err = last.Await(ctx)
		if report != (aiosync.JobsReport{Cancelled: 1}) {
			t.Errorf("%+v", report)
		}
		return err
	})
}

func TestMisuseOfJobs(t *testing.T) {
	run(t, func(ctx context.Context) error {
		wantPanic(t, func() { aiosync.NewJobs(0, 0, nil) }, "NewJobs", "limit")
		wantPanic(t, func() { aiosync.NewJobs(1, -1, nil) }, "NewJobs", "negative")
		wantPanic(t, func() { aiosync.NewJobs(1, 0, nil).Spawn(ctx, nil) }, "Jobs.Spawn", "nil")
		return nil
	})
}
