package distributed

import (
	"crypto/sha256"
	"encoding/base64"
	"regexp"
	"strings"
)

// What a namespace has on the broker:
//
//	stream SPACE_jobs       SPACE.job.high, .normal, .low   jobs that wait or run; a work queue
//	                        SPACE.later.*                   jobs that are not due
//	                        SPACE.job.anchor                no job, see anchor
//	stream SPACE_dead       SPACE.dead                      jobs without a further attempt
//	bucket SPACE_outcomes   the outcome of each job, and its failures while it is tried again
//	bucket SPACE_payloads   arguments and results that are too large for a message
//
// and without storage:
//
//	SPACE.cancel.ID     a job is to end
//	SPACE.progress.ID   reports of a function
//	SPACE.event         what workers tell, see Events
//	SPACE.who           the name of a function that a worker does not have
//	SPACE.have          the name of a function that a worker may have, see search
type names struct{ space string }

func (n names) jobs() string               { return n.space + "_jobs" }
func (n names) dead() string               { return n.space + "_dead" }
func (n names) outcomes() string           { return n.space + "_outcomes" }
func (n names) payloads() string           { return n.space + "_payloads" }
func (n names) lines() string              { return n.space + ".job.*" }
func (n names) queue(p Priority) string    { return n.space + ".job." + p.String() }
func (n names) anchor() string             { return n.space + ".job.anchor" }
func (n names) later(id string) string     { return n.space + ".later." + id }
func (n names) deadJobs() string           { return n.space + ".dead" }
func (n names) cancel(id string) string    { return n.space + ".cancel." + id }
func (n names) progress(id string) string  { return n.space + ".progress." + id }
func (n names) events() string             { return n.space + ".event" }
func (n names) who() string                { return n.space + ".who" }
func (n names) have() string               { return n.space + ".have" }
func (n names) outcome(id string) string   { return "$KV." + n.outcomes() + "." + id }
func (n names) consumer(p Priority) string { return p.String() }

// A job's ID is OWNER.TOKEN. The owner is the client that submitted the job, or "_" for jobs with a
// key, which several clients may submit. So a client gets its outcomes with one subscription.
const anybody = "_"

var plain = regexp.MustCompile(`^[A-Za-z0-9_=-]{1,128}$`)

// jobID makes an ID of a name that users choose. An ID is part of subjects, and a server cuts off
// who sends a long one.
func jobID(owner, name string) string {
	switch {
	case plain.MatchString(name):
	case len(name) <= 128:
		name = "=" + base64.RawURLEncoding.EncodeToString([]byte(name))
	default:
		sum := sha256.Sum256([]byte(name))
		name = "==" + base64.RawURLEncoding.EncodeToString(sum[:])
	}
	return owner + "." + name
}

// validID reports whether id may be one that jobID made.
func validID(id string) bool {
	owner, token, ok := strings.Cut(id, ".")
	return ok && plain.MatchString(owner) && token != "" && len(id) <= 1024 &&
		!strings.ContainsAny(token, ".*> \t\r\n")
}
