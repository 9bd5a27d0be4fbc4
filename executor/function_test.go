package executor_test

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/executor"
)

type order struct {
	Item  string
	Count int
	Notes map[string][]string
}

type badCount struct{ Count int }

func (e badCount) Error() string { return fmt.Sprintf("a bad count: %d", e.Count) }

func init() { gob.Register(badCount{}) }

var (
	square = executor.Register("square", func(_ context.Context, n int) (int, error) {
		return n * n, nil
	})
	echo = executor.Register("echo", func(_ context.Context, p []byte) ([]byte, error) {
		return p, nil
	})
	double = executor.Register("double", func(_ context.Context, o order) (*order, error) {
		if o.Count < 0 {
			return nil, fmt.Errorf("double: %w", badCount{o.Count})
		}
		o.Count *= 2
		o.Notes["seen"] = append(o.Notes["seen"], "yes")
		return &o, nil
	})
	same        = executor.Register("same", identity[any])
	sameInt64   = executor.Register("sameInt64", identity[int64])
	sameFloat64 = executor.Register("sameFloat64", identity[float64])
	sameBool    = executor.Register("sameBool", identity[bool])
	sameString  = executor.Register("sameString", identity[string])

	nothing = executor.Register("nothing", func(context.Context, aio.None) (aio.None, error) {
		return aio.None{}, nil
	})
	none = executor.Register("none", func(_ context.Context, p *order) (*order, error) {
		return p, nil
	})
	open = executor.Register("open", func(_ context.Context, name string) (string, error) {
		_, err := os.Open(name)
		return "", err
	})
	leave = executor.Register("leave", func(context.Context, int) (int, error) {
		runtime.Goexit()
		return 0, nil
	})
	count = executor.Register("count", func(ctx context.Context, n int) (int, error) {
		for i := range n {
			if err := executor.Progress(ctx, fmt.Sprint(i)); err != nil {
				return 0, err
			}
		}
		return n, nil
	})
	whoAmI = executor.Register("whoAmI", func(ctx context.Context, _ aio.None) (string, error) {
		job, ok := executor.Current(ctx)
		return fmt.Sprint(job.ID, " ", job.Name, " ", job.Attempt, " ", !job.Deadline.IsZero(),
			" ", ok), nil
	})
	patient = executor.Register("patient", func(ctx context.Context, _ aio.None) (aio.None, error) {
		<-ctx.Done()
		return aio.None{}, ctx.Err()
	})
)

func identity[T any](_ context.Context, v T) (T, error) { return v, nil }

func TestAFunctionGetsACopyOfItsArgumentAndGivesOne(t *testing.T) {
	both(t, func(t *testing.T, ctx context.Context) error {
		given := order{Item: "tea", Count: 21, Notes: map[string][]string{"seen": {"no"}}}
		got, err := double.Run(ctx, given)
		if err != nil {
			return err
		}
		if got.Item != "tea" || got.Count != 42 ||
			!slices.Equal(got.Notes["seen"], []string{"no", "yes"}) {
			t.Errorf("the result is %+v", got)
		}
		if given.Count != 21 || len(given.Notes["seen"]) != 1 {
			t.Errorf("the argument has become %+v", given)
		}
		text := []byte("as it is")
		same, err := echo.Run(ctx, text)
		if err != nil {
			return err
		}
		same[0] = 'A'
		if string(text) != "as it is" {
			t.Errorf("argument and result share memory")
		}
		return nil
	})
}

func TestValuesOfSimpleTypesTravel(t *testing.T) {
	both(t, func(t *testing.T, ctx context.Context) error {
		for _, v := range []any{-42, int64(math.MinInt64), math.SmallestNonzeroFloat64, math.Inf(-1),
			true, false, "", "text\x00\xff", 'x', []byte("raw")} {
			got, err := same.Run(ctx, v)
			if !reflect.DeepEqual(got, v) || err != nil {
				t.Errorf("%T %v came back as %T %v, %v", v, v, got, got, err)
			}
		}
		i, err := sameInt64.Run(ctx, math.MinInt64)
		f, err2 := sameFloat64.Run(ctx, math.SmallestNonzeroFloat64)
		b, err3 := sameBool.Run(ctx, true)
		s, err4 := sameString.Run(ctx, "text\x00\xff")
		if i != math.MinInt64 || f != math.SmallestNonzeroFloat64 || !b || s != "text\x00\xff" {
			t.Errorf("%v %v %v %q", i, f, b, s)
		}
		return errors.Join(err, err2, err3, err4)
	})
}

func TestValuesWithoutContentTravel(t *testing.T) {
	both(t, func(t *testing.T, ctx context.Context) error {
		if _, err := nothing.Run(ctx, aio.None{}); err != nil {
			return err
		}
		if got, err := none.Run(ctx, nil); got != nil || err != nil {
			t.Errorf("a nil pointer came back as %v, %v", got, err)
		}
		if got, err := echo.Run(ctx, nil); len(got) != 0 || err != nil {
			t.Errorf("no bytes came back as %v, %v", got, err)
		}
		if got, err := square.Run(ctx, 0); got != 0 || err != nil {
			t.Errorf("0 came back as %v, %v", got, err)
		}
		return nil
	})
}

func TestALargeArgumentAndResultTravel(t *testing.T) {
	large := bytes.Repeat([]byte("0123456789abcdef"), 1<<19) // 8 MiB
	both(t, func(t *testing.T, ctx context.Context) error {
		got, err := echo.Run(ctx, large)
		if err == nil && !bytes.Equal(got, large) {
			t.Error("it came back changed")
		}
		return err
	})
}

// Conformance: TH-002 (in an executor).
func TestAnErrorOfAFunctionComesBack(t *testing.T) {
	both(t, func(t *testing.T, ctx context.Context) error {
		_, err := double.Run(ctx, order{Count: -1})
		var bad badCount
		if err == nil || !strings.HasSuffix(err.Error(), "double: a bad count: -1") {
			t.Errorf("the error is %v", err)
		}
		_, here := executor.From(ctx).(*executor.Pool)
		if !here && !errors.As(err, &bad) {
			t.Errorf("the error lost its type: %#v", err)
		}
		_, err = open.Run(ctx, "testdata/there is none")
		if !errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			t.Errorf("the error is %v, want fs.ErrNotExist alone", err)
		}
		if _, err := square.Run(ctx, 3); err != nil {
			t.Errorf("after an error: %v", err)
		}
		return nil
	})
}

var bare = executor.Register("bare", func(_ context.Context, n int) (int, error) {
	return 0, badCount{n}
})

func TestARegisteredErrorKeepsItsTypeOnItsWayFromAProcess(t *testing.T) {
	inPool(t, func(ctx context.Context, _ *executor.Pool) error {
		_, err := bare.Run(ctx, 7)
		var bad badCount
		var remote *executor.RemoteError
		if !errors.As(err, &bad) || bad.Count != 7 || !errors.As(err, &remote) || remote.Name != "bare" ||
			remote.Text != "a bad count: 7" {
			t.Errorf("the error is %#v", err)
		}
		if want := "executor: bare: a bad count: 7"; err.Error() != want {
			t.Errorf("its text is %q, want %q", err, want)
		}
		return nil
	})
}

func TestAFunctionThatEndsItsGoroutineFails(t *testing.T) {
	both(t, func(t *testing.T, ctx context.Context) error {
		_, err := leave.Run(ctx, 1)
		var here *aio.GoexitError
		if !errors.Is(err, executor.ErrGoexit) && !errors.As(err, &here) {
			t.Errorf("the error is %v", err)
		}
		return nil
	})
}

func TestProgressIsSeenOnTheLoopInOrderBeforeTheResult(t *testing.T) {
	both(t, func(t *testing.T, ctx context.Context) error {
		var seen []string // belongs to the loop
		n, err := count.With(executor.OnProgress(func(v string) { seen = append(seen, v) })).Run(ctx, 5)
		if err != nil || n != 5 || !slices.Equal(seen, []string{"0", "1", "2", "3", "4"}) {
			t.Errorf("%d, %v; progress %q", n, err, seen)
		}
		n, err = count.Run(ctx, 3) // nobody listens
		if n != 3 || err != nil {
			t.Errorf("without a listener: %d, %v", n, err)
		}
		return nil
	})
	if err := executor.Progress(t.Context(), 1); err == nil {
		t.Error("progress outside of a function is no error")
	}
}

func TestProgressOfAnotherTypeIsReported(t *testing.T) {
	var reports []string
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		_, err := count.With(executor.OnProgress(func(order) { t.Error("it was called") })).Run(ctx, 1)
		return err
	}, aio.WithExceptionHandler(func(_ *aio.Loop, r aio.Report) {
		reports = append(reports, r.Message)
	}))
	if err != nil || len(reports) != 1 || !strings.Contains(reports[0], "another type") {
		t.Errorf("%v, reports %q", err, reports)
	}
}

func TestAFunctionFindsItsJob(t *testing.T) {
	both(t, func(t *testing.T, ctx context.Context) error {
		got, err := whoAmI.With(executor.ID("order-7")).Run(ctx, aio.None{})
		if want := "order-7 whoAmI 1 false true"; got != want || err != nil {
			t.Errorf("it found %q, %v, want %q", got, err, want)
		}
		return aio.Timeout(ctx, time.Hour, func(ctx context.Context) error {
			got, err := whoAmI.With(executor.ID("x")).Run(ctx, aio.None{})
			if want := "x whoAmI 1 true true"; got != want || err != nil {
				t.Errorf("with a deadline it found %q, %v, want %q", got, err, want)
			}
			return nil
		})
	})
}

func TestJobsHaveDifferentIDs(t *testing.T) {
	both(t, func(t *testing.T, ctx context.Context) error {
		a, err := whoAmI.Run(ctx, aio.None{})
		if err != nil {
			return err
		}
		b, err := whoAmI.Run(ctx, aio.None{})
		if a == b {
			t.Errorf("both have %q", a)
		}
		return err
	})
}

func TestADeadlineEndsTheContextOfTheFunctionAndTheWait(t *testing.T) {
	both(t, func(t *testing.T, ctx context.Context) error {
		err := aio.Timeout(ctx, 5*time.Millisecond, func(ctx context.Context) error {
			_, err := patient.Run(ctx, aio.None{})
			return err
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("it ended with %v", err)
		}
		return nil
	})
}

func TestMapTakesAFunctionAsItIs(t *testing.T) {
	both(t, func(t *testing.T, ctx context.Context) error {
		got, err := aio.Map(ctx, []int{1, 2, 3, 4}, square.Run)
		if !slices.Equal(got, []int{1, 4, 9, 16}) {
			t.Errorf("the squares are %v", got)
		}
		return err
	})
}

func TestMisuseOfRegisterPanics(t *testing.T) {
	fn := func(context.Context, int) (int, error) { return 0, nil }
	wantPanic(t, func() { executor.Register("square", fn) }, `there is a function "square" already`)
	wantPanic(t, func() { executor.Register("", fn) }, "the name is empty")
	wantPanic(t, func() { executor.Register[int, int]("nil", nil) }, "nil")
	wantPanic(t, func() {
		executor.Register("channel", func(context.Context, chan int) (int, error) { return 0, nil })
	}, `"channel"`, "chan int cannot be sent")
	wantPanic(t, func() {
		executor.Register("hidden", func(context.Context, int) (struct{ n int }, error) {
			return struct{ n int }{}, nil
		})
	}, "cannot be sent", "exported fields")
	wantPanic(t, func() {
		executor.Register("no JSON", func(context.Context, func()) (int, error) { return 0, nil },
			executor.Encoding(executor.JSON))
	}, `"no JSON"`, "func() cannot be sent", "encoding/json")
	wantPanic(t, func() { executor.Encoding(nil) }, "Encoding", "the codec is nil")
	wantPanic(t, func() { executor.Attempts(0) }, "Attempts")
	wantPanic(t, func() { square.Run(context.Background(), 2) },
		"executor.Function.Run: no running event loop")
	if square.Name() != "square" {
		t.Errorf("its name is %q", square.Name())
	}
}

func TestAJobWithoutFunctionIsRefused(t *testing.T) {
	both(t, func(t *testing.T, ctx context.Context) error {
		_, err := executor.From(ctx).Execute(ctx, executor.Job{
			ID:      "1",
			Name:    "no such function",
			Attempt: 1,
		})
		if !errors.Is(err, executor.ErrNotRegistered) ||
			!strings.Contains(err.Error(), `"no such function"`) {
			t.Errorf("the error is %v", err)
		}
		return nil
	})
}

func TestAnArgumentThatMakesNoSenseIsRefused(t *testing.T) {
	both(t, func(t *testing.T, ctx context.Context) error {
		_, err := executor.From(ctx).Execute(ctx, executor.Job{
			ID:      "1",
			Name:    "double",
			Args:    []byte("garbage"),
			Attempt: 1,
		})
		if err == nil || !strings.Contains(err.Error(), "cannot be decoded") {
			t.Errorf("the error is %v", err)
		}
		return nil
	})
}

// broker is an executor that sends jobs to a goroutine: what one with a message broker would do.
type broker struct {
	lose int // so many jobs at first get lost
	seen []int
}

func (b *broker) Execute(ctx context.Context, job executor.Job) ([]byte, error) {
	b.seen = append(b.seen, job.Attempt)
	if b.lose > 0 {
		b.lose--
		return nil, &executor.WorkerError{Name: job.Name, Err: errors.New("the message was lost")}
	}
	return aio.ToThread(ctx, func(ctx context.Context) ([]byte, error) {
		return executor.Call(ctx, job)
	})
}

func TestAttemptsAreForLostJobsAlone(t *testing.T) {
	run(t, func(ctx context.Context) error {
		b := &broker{lose: 2}
		got, err := square.With(executor.On(b), executor.Attempts(3)).Run(ctx, 5)
		if got != 25 || err != nil || !slices.Equal(b.seen, []int{1, 2, 3}) {
			t.Errorf("%d, %v after attempts %v", got, err, b.seen)
		}
		b = &broker{lose: 2}
		_, err = square.With(executor.On(b), executor.Attempts(2)).Run(ctx, 5)
		if want := `executor: the worker of "square" was lost: the message was lost`; err == nil ||
			err.Error() != want {
			t.Errorf("the error is %v, want %s", err, want)
		}
		b = &broker{}
		_, err = bare.With(executor.On(b), executor.Attempts(9)).Run(ctx, 5)
		if err == nil || !slices.Equal(b.seen, []int{1}) {
			t.Errorf("an error of the function: %v after attempts %v", err, b.seen)
		}
		return nil
	})
}

func TestAnExecutorCanSendJobsResultsAndErrorsItself(t *testing.T) {
	job, err := square.With(executor.ID("a job")).Job(7)
	if err != nil || job.ID != "a job" || job.Name != square.Name() || job.Attempt != 1 {
		t.Fatalf("%+v, %v", job, err)
	}
	data, err := executor.Call(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := square.Result(data); n != 49 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	sent := executor.DecodeError("fn", executor.EncodeError(fmt.Errorf("no: %w", io.EOF)))
	var remote *executor.RemoteError
	if !errors.As(sent, &remote) || remote.Name != "fn" || remote.Text != "no: EOF" ||
		!errors.Is(sent, io.EOF) || errors.Is(sent, io.ErrUnexpectedEOF) {
		t.Errorf("%v", sent)
	}
	if err := executor.DecodeError("fn", []byte{0xff}); err == nil || errors.As(err, &remote) {
		t.Errorf("malformed: %v", err)
	}
}

// parcel is encoded with JSON, which gob could not do: all its fields are hidden.
type parcel struct{ item string }

func (o parcel) MarshalText() ([]byte, error)     { return []byte(o.item), nil }
func (o *parcel) UnmarshalText(text []byte) error { o.item = string(text); return nil }

var (
	pack = executor.Register("pack", func(ctx context.Context, o parcel) ([]parcel, error) {
		return []parcel{o, {"wrapping"}}, nil
	}, executor.Encoding(executor.JSON))

	// reverse has a codec of its own for its one type. It refuses what begins with "x".
	reverse = executor.Register("reverse", func(ctx context.Context, s string) (string, error) {
		return s + "!", nil
	}, executor.Encoding(backwards{}))
)

type backwards struct{}

var errNoX = errors.New("no x")

func (backwards) Encode(v any) ([]byte, error) {
	text := []byte(v.(string))
	if len(text) > 0 && text[0] == 'x' {
		return nil, errNoX
	}
	slices.Reverse(text)
	return text, nil
}

func (backwards) Decode(data []byte, v any) error {
	if len(data) > 0 && data[0] == 'y' {
		return errNoX
	}
	slices.Reverse(data)
	*v.(*string) = string(data)
	return nil
}

func TestAFunctionMayHaveItsOwnCodec(t *testing.T) {
	job, err := pack.Job(parcel{"a cup"})
	if err != nil || string(job.Args) != `"a cup"` {
		t.Errorf("encoded as %s, %v", job.Args, err)
	}
	both(t, func(t *testing.T, ctx context.Context) error {
		packed, err := pack.Run(ctx, parcel{"a cup"})
		if err != nil || !slices.Equal(packed, []parcel{{"a cup"}, {"wrapping"}}) {
			t.Errorf("got %v, %v", packed, err)
		}
		if got, err := reverse.Run(ctx, "abc"); err != nil || got != "abc!" {
			t.Errorf("got %q, %v", got, err)
		}
		if _, err := reverse.Run(ctx, "x"); !errors.Is(err, errNoX) ||
			!strings.Contains(err.Error(), "a string cannot be encoded") {
			t.Errorf("an argument that cannot be encoded: %v", err)
		}
		if _, err := reverse.Run(ctx, "y"); err == nil ||
			!strings.Contains(err.Error(), "1 bytes cannot be decoded as string") {
			t.Errorf("an argument that cannot be decoded: %v", err)
		}
		return nil
	})
}
