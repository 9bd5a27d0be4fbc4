package distributed

import (
	"maps"
	"math/rand/v2"
	"time"

	"github.com/nats-io/nats.go"
)

// A job whose function a worker does not have may be one that another worker has, and that worker
// may be busy. So the workers search for functions: one asks "who has NAME?" on a subject that all
// of them hear, and one that may have it answers on another such subject. All of them keep account
// of all searches, so one question and one answer at a time are enough for any number of workers.
// Only times between events of one loop count, never the clocks of two machines.

// search is what a worker knows of the search for a function.
type search struct {
	asked time.Time // the last question
	open  time.Time // the first question since the last answer
	n     int       // questions since the last answer
}

const (
	askAgain    = time.Second            // between two questions for a function, at least
	answerAfter = 100 * time.Millisecond // at most; a worker that hears an answer keeps its own
	answered    = 250 * time.Millisecond // all that a question gets
	leftAfter   = time.Minute            // without a question a search makes room for others
	maxSearches = 10_000
)

// nobody asks who has a function, and reports whether nobody has answered for the time d. One
// question may have come at a moment when a worker had no connection, so it takes two.
func (f *feed) nobody(name string, d time.Duration) bool {
	now, s := f.loop.Time(), f.searches[name]
	if s != nil && now.Sub(s.asked) > d+maxPause+askAgain { // its answer was not waited for
		delete(f.searches, name)
		s = nil
	}
	nobody := s != nil && s.n >= 2 && now.Sub(s.open) >= d && now.Sub(s.asked) >= answered
	if s == nil || now.Sub(s.asked) >= min(askAgain, d/3) {
		f.publish(f.who(), name)
		f.question(name, now)
	}
	return nobody
}

// question notes that a worker asks for a function now. If there are too many searches it is not
// followed before others are over.
func (f *feed) question(name string, now time.Time) {
	s := f.searches[name]
	if s == nil {
		if len(f.searches) >= maxSearches {
			maps.DeleteFunc(f.searches, func(_ string, s *search) bool {
				return now.Sub(s.asked) > leftAfter
			})
			if len(f.searches) >= maxSearches {
				return
			}
		}
		s = &search{}
		f.searches[name] = s
	}
	if now.Sub(s.asked) < answered { // by two workers at once
		return
	}
	if s.asked = now; s.n == 0 {
		s.open = now
	}
	s.n++
}

func (f *feed) publish(subject, name string) {
	m := nats.NewMsg(subject)
	m.Data = []byte(name)
	f.offer(m)
}

// takeWho is called for each question, also for one's own.
func (f *feed) takeWho(m *nats.Msg) {
	name := string(m.Data)
	f.question(name, f.loop.Time())
	if !f.may(name) {
		return
	}
	f.loop.CallLater(rand.N(answerAfter), func() {
		if s := f.searches[name]; s == nil || s.n > 0 {
			f.publish(f.have(), name)
		}
	})
}

// takeHave is called for each answer.
func (f *feed) takeHave(m *nats.Msg) {
	if s := f.searches[string(m.Data)]; s != nil {
		s.n = 0
	}
}
