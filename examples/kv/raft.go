package main

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/stream"
)

// The nodes agree by the algorithm Raft (https://raft.github.io), without snapshots.

// A follower that hears nothing from a leader for some beats of its pulse, up to twice as many,
// stands for election.
const (
	usualPulse    = 50 * time.Millisecond
	patientBeats  = 4
	answeredBeats = 6 // for an answer of another node
)

var errNoLeader = errors.New("the node does not lead any more")

func (n *node) termAt(index int) int {
	if index == 0 {
		return 0
	}
	return n.Log[index-1].Term
}

// enter makes the node a follower in a term, if that is a new one.
func (n *node) enter(term int) {
	if term > n.Term {
		n.Term, n.Vote, n.leader = term, "", ""
		n.follow()
	}
}

// follow ends a time as leader or candidate. Clients that wait do not know what has become of their
// operations.
func (n *node) follow() {
	n.role = follower
	for _, index := range slices.Sorted(maps.Keys(n.waiting)) { // in the same order each time
		n.waiting[index].SetError(errNoLeader)
		delete(n.waiting, index)
	}
}

// elect stands for election when no leader was heard of.
func (n *node) elect(ctx context.Context) error {
	loop := aio.RunningLoop(ctx)
	patience := patientBeats * n.pulse
	for {
		wait := patience + time.Duration(loop.Rand().Int64N(int64(patience)))
		if err := aio.Sleep(ctx, wait); err != nil {
			return err
		}
		if n.role == leader || loop.Time().Sub(n.heard) < wait {
			continue
		}
		n.enter(n.Term + 1)
		n.role, n.Vote, n.votes = candidate, n.id, map[string]bool{}
		term := n.Term
		if err := n.wait(ctx); err != nil {
			return err
		}
		if n.Term == term && n.role == candidate {
			n.count(n.id)
			n.wake()
		}
	}
}

// beat has a leader, or a candidate, say something to all others at each pulse.
func (n *node) beat(ctx context.Context) error {
	for {
		if err := aio.Sleep(ctx, n.pulse); err != nil {
			return err
		}
		if n.role != follower {
			n.wake()
		}
	}
}

// count counts a vote for this node.
func (n *node) count(from string) {
	n.votes[from] = true
	if n.role != candidate || len(n.votes) < n.majority() {
		return
	}
	n.role, n.leader = leader, n.id
	n.match, n.next = map[string]int{}, map[string]int{}
	for id := range n.nodes {
		n.next[id] = len(n.Log)
	}
	// only entries of its own term tell a leader what is agreed on
	n.propose(entry{Term: n.Term}, nil)
}

// propose appends an entry to the log of the leader, and has it saved and sent.
func (n *node) propose(e entry, done *aio.Future[string]) {
	n.Log = append(n.Log, e)
	if done != nil {
		n.waiting[len(n.Log)] = done
	}
	n.save()
	n.wake()
}

// vote answers a candidate.
func (n *node) vote(ctx context.Context, term int, q *voteRequest) (answer, error) {
	n.enter(term)
	last := len(n.Log)
	fresh := q.LastTerm > n.termAt(last) || q.LastTerm == n.termAt(last) && q.LastIndex >= last
	if term == n.Term && fresh && (n.Vote == "" || n.Vote == q.From) {
		n.Vote, n.heard = q.From, aio.RunningLoop(ctx).Time()
	}
	if err := n.wait(ctx); err != nil {
		return answer{}, err
	}
	return answer{OK: term == n.Term && n.Vote == q.From, Term: n.Term}, nil
}

// take answers a leader.
func (n *node) take(ctx context.Context, term int, q *appendRequest) (answer, error) {
	n.enter(term)
	if term < n.Term {
		return answer{Term: n.Term}, nil
	}
	if n.role != follower {
		n.follow()
	}
	n.leader, n.heard = q.From, aio.RunningLoop(ctx).Time()
	if q.Before > len(n.Log) || n.termAt(q.Before) != q.BeforeTerm {
		return answer{Term: n.Term, Match: min(q.Before-1, len(n.Log))}, nil
	}
	for i, e := range q.Entries {
		if at := q.Before + i; at == len(n.Log) || n.Log[at].Term != e.Term {
			n.cut(at)
			n.Log = append(n.Log, q.Entries[i:]...)
			break
		}
	}
	match := q.Before + len(q.Entries)
	if n.onDisk < match {
		if err := n.wait(ctx); err != nil {
			return answer{}, err
		}
		if n.Term != term {
			return answer{Term: n.Term}, nil
		}
	}
	n.commit = max(n.commit, min(q.Commit, match))
	n.apply()
	return answer{OK: true, Term: n.Term, Match: match}, nil
}

// matched notes that the log of a node is ours up to an index, and finds what is agreed by that.
func (n *node) matched(id string, index int) {
	if n.role != leader {
		return
	}
	n.match[id] = max(n.match[id], index)
	var all []int
	for id := range n.nodes {
		all = append(all, n.match[id])
	}
	slices.Sort(all)
	agreed := all[len(all)-n.majority()]
	if agreed > n.commit && n.termAt(agreed) == n.Term {
		n.commit = agreed // the others learn it with the next message
		n.apply()
	}
}

// batch returns the next entries for a node that has so many, as many as fit into a message.
func (n *node) batch(before int) []entry {
	size, end := 0, before
	for ; end < len(n.Log) && size < maxBatch; end++ {
		size += n.Log[end].size()
	}
	return n.Log[before:end]
}

// talk sends another node what it has to know, on one connection after the other.
func (n *node) talk(ctx context.Context, other string) error {
	var r *stream.Reader
	var w *stream.Writer
	hangUp := func() {
		if w != nil {
			w.Abort()
			w = nil
		}
	}
	defer hangUp()
	asked := 0 // the term of the last vote that was asked for, with an answer
	for {
		if err := n.poke[other].Wait(ctx); err != nil {
			return err
		}
		n.poke[other].Clear()
		if n.role == follower || n.role == candidate && asked == n.Term {
			continue
		}
		term, wasLeader := n.Term, n.role == leader
		q := request{Term: term}
		if wasLeader {
			before := min(n.next[other], len(n.Log))
			q.Append = &appendRequest{
				n.id, before, n.termAt(before), n.batch(before), n.commit,
			}
		} else {
			q.Vote = &voteRequest{n.id, len(n.Log), n.termAt(len(n.Log))}
		}
		var a answer
		err := aio.Timeout(ctx, answeredBeats*n.pulse, func(ctx context.Context) (err error) {
			if w == nil {
				r, w, err = stream.Open(ctx, "tcp", n.nodes[other], stream.Limit(maxFrame))
				if err != nil {
					return err
				}
			}
			return exchange(ctx, r, w, &q, &a)
		})
		switch {
		case err != nil && ctx.Err() != nil:
			return err
		case err != nil:
			hangUp()
			continue
		}
		n.enter(a.Term)
		if n.Term != term {
			continue
		}
		switch {
		case !wasLeader:
			asked = term
			if a.OK {
				n.count(other)
			}
		case a.OK:
			n.next[other] = max(n.next[other], a.Match)
			n.matched(other, a.Match)
		default:
			n.next[other] = max(0, a.Match)
			n.poke[other].Set()
		}
		if n.role == leader && n.next[other] < len(n.Log) {
			n.poke[other].Set()
		}
	}
}
