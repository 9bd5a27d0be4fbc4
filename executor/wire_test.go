package executor

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/stream"
)

func TestWhatIsSentIsWhatComes(t *testing.T) {
	sent := Job{
		ID:       "an id",
		Name:     "a name",
		Attempt:  3,
		Args:     []byte("arguments"),
		Progress: func([]byte) {},
	}
	frame := appendJob(nil, sent, time.Second)
	got, left, listens, err := parseJob(frame[1:])
	if frame[0] != jobFrame || got.ID != sent.ID || got.Name != sent.Name || got.Attempt != 3 ||
		string(got.Args) != "arguments" ||
		left != time.Second || !listens || err != nil {
		t.Errorf("kind %d: %+v, %v, %v, %v", frame[0], got, left, listens, err)
	}
	frame = appendFailure(nil, io.ErrUnexpectedEOF)
	failure := parseFailure("f", frame[1:])
	if frame[0] != failureFrame || !errors.Is(failure, io.ErrUnexpectedEOF) ||
		errors.Is(failure, io.EOF) || failure.Error() != "executor: f: unexpected EOF" {
		t.Errorf("kind %d: %v", frame[0], failure)
	}
}

func TestATornMessageIsAnError(t *testing.T) {
	frame := appendJob(nil, Job{ID: "an id", Name: "a name", Attempt: 1}, 0)
	for n := range len(frame) - 1 {
		if _, _, _, err := parseJob(frame[1 : 1+n]); err == nil {
			t.Errorf("the first %d bytes are taken for a job", n)
		}
	}
	if err := parseFailure("f", []byte{0x80}); !errors.Is(err, errFrame) {
		t.Errorf("a torn failure: %v", err)
	}
}

// Whatever a frame holds, it is taken apart without harm, and a job that can be read is written in
// the same way.
func FuzzFrames(f *testing.F) {
	f.Add(appendJob(nil, Job{
		ID:      "1",
		Name:    "square",
		Attempt: 1,
		Args:    []byte{1, 2, 3},
	}, time.Minute)[1:])
	f.Add(appendFailure(nil, io.EOF)[1:])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, body []byte) {
		if err := parseFailure("f", body); err == nil {
			t.Error("a failure without an error")
		}
		job, left, listens, err := parseJob(body)
		if err != nil {
			return
		}
		if listens {
			job.Progress = func([]byte) {}
		}
		again, left2, listens2, err := parseJob(appendJob(nil, job, left)[1:])
		if err != nil || again.ID != job.ID || again.Name != job.Name || again.Attempt != job.Attempt ||
			left2 != left || listens2 != listens || !bytes.Equal(again.Args, job.Args) {
			t.Errorf("%+v became %+v, %v", job, again, err)
		}
	})
}

// Whatever a worker sends, its parent takes it for a result, an error or nonsense, keeps no more
// than is allowed, and comes to an end.
func FuzzWorkerAnswers(f *testing.F) {
	frames := func(bodies ...[]byte) (all []byte) {
		for _, body := range bodies {
			all = append(binary.BigEndian.AppendUint32(all, uint32(len(body))), body...)
		}
		return all
	}
	started := []byte{startedFrame}
	f.Add(frames(started, []byte{resultFrame, 1, 2}))
	f.Add(frames(started, []byte{progressFrame, 1}, []byte{progressFrame}, appendFailure(nil, io.EOF)))
	f.Add(frames(started, started))
	f.Add(frames(appendHello(nil)))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 1})
	f.Add([]byte{0, 0, 4, 1})
	const max = 1 << 10
	f.Fuzz(func(t *testing.T, sent []byte) {
		err := aio.Run(context.Background(), func(ctx context.Context) error {
			from := stream.NewReader(stream.DefaultLimit)
			from.FeedData(sent)
			from.FeedEOF()
			reported := 0
			job := Job{Name: "f", Progress: func(p []byte) { reported += len(p) }}
			result, begun, err := answer(job, func() (byte, []byte, error) {
				return receive(ctx, from, max)
			}, func(kind byte, body []byte) error {
				_, r, err := parseAsk(body)
				if kind == settleFrame {
					_, _, err = parseSettle(body)
				}
				if len(r.data) > max {
					t.Errorf("%d bytes of an ask", len(r.data))
				}
				return err
			})
			var own *RemoteError
			switch {
			case len(result) > max || reported > len(sent):
				t.Errorf("%d bytes of a result, %d of reports", len(result), reported)
			case !begun && (err == nil || errors.As(err, &own)):
				t.Errorf("a result before the start: %v", err)
			case err == nil && result == nil:
				t.Error("neither a result nor an error")
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// Whatever comes to a worker, it takes only what its parent sends for orders.
func FuzzParentOrders(f *testing.F) {
	const token = "0123456789abcdef0123456789abcdef"
	welcome := appendWelcome(nil, token, 1<<20)
	f.Add(append(binary.BigEndian.AppendUint32(nil, uint32(len(welcome))), welcome...))
	f.Add([]byte{0, 0, 0, 1, welcomeFrame})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, sent []byte) {
		body, err := readFrame(bytes.NewReader(sent), 1<<20)
		if err != nil {
			return
		}
		if max, err := parseWelcome(body, token); err == nil && (!bytes.Contains(sent, []byte(token)) ||
			max < leastMessage || max > mostMessage) {
			t.Errorf("%q is taken for the parent's, with a limit of %d", body, max)
		}
		_, _, _, _ = parseJob(body[1:])
		_, _, _ = parseReply(body[1:])
	})
}
