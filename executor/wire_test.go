package executor

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"
)

func TestWhatIsSentIsWhatComes(t *testing.T) {
	sent := Job{ID: "an id", Name: "a name", Attempt: 3, Args: []byte("arguments"), Progress: func([]byte) {}}
	frame := appendJob(nil, sent, time.Second)
	got, left, listens, err := parseJob(frame[1:])
	if frame[0] != jobFrame || got.ID != sent.ID || got.Name != sent.Name || got.Attempt != 3 || string(got.Args) != "arguments" ||
		left != time.Second || !listens || err != nil {
		t.Errorf("kind %d: %+v, %v, %v, %v", frame[0], got, left, listens, err)
	}
	frame = appendFailure(nil, io.ErrUnexpectedEOF)
	failure := parseFailure("f", frame[1:])
	if frame[0] != failureFrame || !errors.Is(failure, io.ErrUnexpectedEOF) || errors.Is(failure, io.EOF) || failure.Error() != "executor: f: unexpected EOF" {
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

// Whatever a frame holds, it is taken apart without harm, and a job that can be read is written in the same way.
func FuzzFrames(f *testing.F) {
	f.Add(appendJob(nil, Job{ID: "1", Name: "square", Attempt: 1, Args: []byte{1, 2, 3}}, time.Minute)[1:])
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
		if err != nil || again.ID != job.ID || again.Name != job.Name || again.Attempt != job.Attempt || left2 != left || listens2 != listens || !bytes.Equal(again.Args, job.Args) {
			t.Errorf("%+v became %+v, %v", job, again, err)
		}
	})
}
