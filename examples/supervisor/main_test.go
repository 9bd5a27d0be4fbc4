package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiotest"
	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/clitest"
)

func TestMain(m *testing.M) { clitest.Main(m, main) }

// supervise runs services for some time, and returns what was told and how it ended.
func supervise(t *testing.T, s *supervisor, d time.Duration) (told []string, err error) {
	aiotest.Run(t, func(ctx context.Context, _ *aiotest.T) error {
		began := aio.RunningLoop(ctx).Time()
		s.tell = func(name, event string, err error) {
			at := aio.RunningLoop(ctx).Time().Sub(began)
			text := fmt.Sprint(at, " ", name, " ", event)
			if err != nil {
				text += ": " + err.Error()
			}
			told = append(told, text)
		}
		err = aio.Timeout(ctx, d, s.run)
		return nil
	})
	return told, err
}

// three are services of which the second one fails once, after two seconds.
func three() []service {
	fail := fails(2*time.Second, 1, func() error { return errGone })
	return []service{{"a", always, idle}, {"b", always, fail}, {"c", always, idle}}
}

func TestEachStrategyStartsItsServicesAgain(t *testing.T) {
	for strategy, want := range map[strategy][]string{
		oneForOne: {"3s b started"},
		oneForAll: {"2s c stopped", "2s a stopped", "3s a started", "3s b started",
			"3s c started"},
		restForOne: {"2s c stopped", "3s b started", "3s c started"},
	} {
		t.Run(strategy.String(), func(t *testing.T) {
			s := &supervisor{strategy: strategy, restarts: 1, within: time.Minute,
				pause: time.Second, services: three()}
			told, err := supervise(t, s, 10*time.Second)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("it ended with %v", err)
			}
			want := slices.Concat(
				[]string{"0s a started", "0s b started", "0s c started",
					"2s b ended: the connection is gone"},
				want,
				[]string{"10s c stopped", "10s b stopped", "10s a stopped"})
			if !slices.Equal(told, want) {
				t.Errorf("told\n%s\nwant\n%s", strings.Join(told, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

func TestTheKindOfEndDecidesAboutARestart(t *testing.T) {
	well := func() error { return nil }
	badly := func() error { return errGone }
	for _, test := range []struct {
		restart restart
		how     func() error
		again   bool
	}{
		{always, well, true}, {always, badly, true},
		{onFailure, well, false}, {onFailure, badly, true},
		{never, well, false}, {never, badly, false},
	} {
		s := &supervisor{restarts: 9, within: time.Minute, services: []service{
			{"a", test.restart, fails(time.Second, 1, test.how)}}}
		told, err := supervise(t, s, 5*time.Second)
		if again := slices.Contains(told, "1s a started"); again != test.again {
			t.Errorf("%v, after %v: started again is %t", test.restart, test.how(), again)
		}
		if ended := err == nil; ended == test.again {
			t.Errorf("%v, after %v: the supervisor ends with %v", test.restart, test.how(), err)
		}
	}
}

func TestThePausesDoubleUntilTheSupervisorGivesUp(t *testing.T) {
	s := &supervisor{restarts: 3, within: time.Minute, pause: time.Second, services: []service{
		{"a", always, fails(time.Second, -1, func() error { return errGone })}}}
	told, err := supervise(t, s, time.Hour)
	if !errors.Is(err, errGaveUp) || !errors.Is(err, errGone) {
		t.Errorf("it ended with %v", err)
	}
	var started []string
	for _, line := range told {
		if strings.HasSuffix(line, "started") {
			started = append(started, strings.Fields(line)[0])
		}
	}
	if got := strings.Join(started, " "); got != "0s 2s 5s 10s" {
		t.Errorf("started after %s", got)
	}
}

func TestOldRestartsAreForgotten(t *testing.T) {
	s := &supervisor{restarts: 1, within: 10 * time.Second, services: []service{
		{"a", always, fails(11*time.Second, 5, func() error { return errGone })}}}
	if _, err := supervise(t, s, time.Hour); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("it ended with %v", err)
	}
}

func TestAServiceThatEndsWhileItIsStoppedIsNotStartedTwice(t *testing.T) {
	both := func() error { return errGone }
	s := &supervisor{strategy: oneForAll, restarts: 1, within: time.Minute, services: []service{
		{"a", always, fails(time.Second, 1, both)}, {"b", always, fails(time.Second, 1, both)}}}
	told, err := supervise(t, s, 5*time.Second)
	want := []string{"0s a started", "0s b started", "1s a ended: the connection is gone",
		"1s b stopped: the connection is gone", "1s a started", "1s b started", "5s b stopped",
		"5s a stopped"}
	if !slices.Equal(told, want) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, told\n%s", err, strings.Join(told, "\n"))
	}
}

func TestTheDemonstrationIsTheSameEveryTime(t *testing.T) {
	first := clitest.Program(run).Run(t.Context(), "-strategy", "one-for-all")
	if first.Code != cli.OK || first.Err != "" || !strings.Contains(first.Out,
		" 19.1 s  cache     ended: panic: index out of range\n") {
		t.Errorf("%+v", first)
	}
	if again := clitest.Program(run).Run(t.Context(), "-strategy", "one-for-all"); again != first {
		t.Errorf("%+v, and then %+v", first, again)
	}
}

func TestASupervisorThatGivesUpFails(t *testing.T) {
	got := clitest.Program(run).Run(t.Context(), "-flaky", "-json", "-restarts", "2")
	if got.Code != cli.Failed || got.Err != "supervisor: too many restarts: it never works\n" {
		t.Errorf("%+v", got)
	}
	for line := range strings.Lines(got.Out) {
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Service == "" || e.Event == "" {
			t.Errorf("%q: %+v, %v", line, e, err)
		}
	}
}

func TestAWrongCommandLineSaysWhatIsWrong(t *testing.T) {
	for args, want := range map[string]string{
		"-strategy all": `-strategy is "all"; it must be one of one-for-one, one-for-all, rest-for-one`,
		"-restarts 17":  "-restarts is 17; it must be from 0 to 16",
		"-within 0s":    "-within is 0s; it must be more than 0",
		"-pause -1s":    "-pause is -1s; it must be from 0 to 1h",
		"-for 0s":       "-for is 0s; it must be more than 0",
		"now":           `there is nothing to do with "now"; only flags are expected`,
	} {
		got := clitest.Program(run).Run(t.Context(), strings.Fields(args)...)
		if got != (clitest.Outcome{Code: cli.BadUsage,
			Err: "supervisor: " + want + "\nTry supervisor -help.\n"}) {
			t.Errorf("%s: %+v, want %q", args, got, want)
		}
	}
	if got := clitest.Program(run).Run(t.Context(), "-help"); got != (clitest.Outcome{Out: usage}) {
		t.Errorf("%+v", got)
	}
}

func TestCtrlCAndSIGTERMStopTheServicesInOrder(t *testing.T) {
	clitest.Signals(t, func(t *testing.T, sig os.Signal) {
		got := clitest.Signal(t, sig, "listener  started", "-real")
		if got.Code != cli.Interrupted || got.Err != "supervisor: interrupted; all services have "+
			"ended\n" || strings.Index(got.Out, "database  stopped") <
			strings.Index(got.Out, "cache     stopped") {
			t.Errorf("%+v", got)
		}
	})
}
