package main

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/stream"
)

// operation is what a client asks for: get, put or add.
type operation struct{ Do, Key, Text string }

// entry is an operation in the log. The entry with no operation is the first one of a term.
type entry struct {
	Term int
	ask
}

// answered is the last answer to a client: one that asks again gets it again.
type answered struct {
	number int
	value  string
}

type role int

const (
	follower role = iota
	candidate
	leader
)

// node is one of the nodes. All its tasks are on one loop, so its state needs no lock; but it may
// change at each await.
type node struct {
	id     string
	others []string          // sorted, for the same order each time
	nodes  map[string]string // addresses
	file   string
	pulse  time.Duration // between two messages of a leader
	bug    string        // planted by a test

	store
	role     role
	leader   string
	heard    time.Time // when there was a leader, or a candidate that got the vote
	votes    map[string]bool
	match    map[string]int // by node: so many entries of its log are known to be ours
	next     map[string]int // by node: so many entries it has been sent
	commit   int
	applied  int
	data     map[string]string
	sessions map[string]answered
	waiting  map[int]*aio.Future[string] // clients, by index
	poke     map[string]*aiosync.Event   // by node: there is something to send
}

func newNode(id string, nodes map[string]string, dir string, pulse time.Duration) *node {
	n := &node{
		id: id, nodes: nodes, file: filepath.Join(dir, "kv-"+id+".log"), pulse: pulse,
		data: map[string]string{}, sessions: map[string]answered{},
		waiting: map[int]*aio.Future[string]{}, poke: map[string]*aiosync.Event{},
	}
	for _, other := range slices.Sorted(maps.Keys(nodes)) {
		if other != id {
			n.others = append(n.others, other)
			n.poke[other] = &aiosync.Event{}
		}
	}
	return n
}

func (n *node) majority() int { return len(n.nodes)/2 + 1 }

func (n *node) wake() {
	for _, other := range n.others {
		n.poke[other].Set()
	}
}

// run is the life of the node.
func (n *node) run(ctx context.Context) error {
	if err := n.open(ctx, n.file); err != nil {
		return err
	}
	defer n.f.Close(ctx)
	n.heard = aio.RunningLoop(ctx).Time()
	server, err := stream.Serve(ctx, "tcp", n.nodes[n.id], n.serve, stream.Limit(maxFrame))
	if err != nil {
		return err
	}
	defer server.Close()
	return aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
		g.Go(func(ctx context.Context) error {
			return n.keep(ctx, func() { n.matched(n.id, n.onDisk) })
		}, aio.Name(n.id+" saves"))
		g.Go(n.elect, aio.Name(n.id+" elects"))
		g.Go(n.beat, aio.Name(n.id+" beats"))
		for _, other := range n.others {
			g.Go(func(ctx context.Context) error { return n.talk(ctx, other) },
				aio.Name(n.id+" to "+other))
		}
		return nil
	})
}

// serve answers the requests on a connection, of nodes and of clients.
func (n *node) serve(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
	for {
		var q request
		b, err := r.ReadFrame(ctx, frames)
		if err != nil || decode(b, &q) != nil {
			return nil
		}
		var a answer
		switch {
		case q.Vote != nil:
			a, err = n.vote(ctx, q.Term, q.Vote)
		case q.Append != nil:
			a, err = n.take(ctx, q.Term, q.Append)
		case q.Ask != nil:
			a, err = n.ask(ctx, q.Ask)
		}
		if err != nil {
			return err
		}
		if w.WriteFrame(frames, encode(&a)) != nil {
			return nil
		}
	}
}

// ask answers a client.
func (n *node) ask(ctx context.Context, q *ask) (answer, error) {
	if n.role != leader {
		return answer{Leader: n.leader}, nil
	}
	if s := n.sessions[q.Client]; s.number == q.Number && n.bug != "retries" {
		return answer{OK: true, Value: s.value}, nil
	}
	if q.size()+len(n.data[q.Op.Key]) > maxText {
		return answer{Refused: "the value would be too large"}, nil
	}
	if n.bug == "reads" && q.Op.Do == "get" {
		return answer{OK: true, Value: n.data[q.Op.Key]}, nil
	}
	done := aio.NewFuture[string](ctx)
	n.propose(entry{n.Term, *q}, done)
	if n.bug == "eager" { // before a majority has it
		value := n.data[q.Op.Key]
		for _, e := range n.Log[n.applied:] {
			value += e.Op.Text
		}
		return answer{OK: true, Value: value}, nil
	}
	value, err := done.Await(ctx)
	if err != nil {
		return answer{Leader: n.leader}, ctx.Err()
	}
	return answer{OK: true, Value: value}, nil
}

// apply does what has been agreed on.
func (n *node) apply() {
	for ; n.applied < n.commit; n.applied++ {
		e := n.Log[n.applied]
		value := ""
		if s := n.sessions[e.Client]; s.number == e.Number && e.Client != "" && n.bug != "retries" {
			value = s.value
		} else {
			switch e.Op.Do {
			case "put":
				n.data[e.Op.Key] = e.Op.Text
			case "add":
				n.data[e.Op.Key] += e.Op.Text
			}
			value = n.data[e.Op.Key]
			n.sessions[e.Client] = answered{e.Number, value}
		}
		if done := n.waiting[n.applied+1]; done != nil {
			delete(n.waiting, n.applied+1)
			done.SetResult(value)
		}
	}
}
