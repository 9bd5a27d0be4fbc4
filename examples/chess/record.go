package main

import (
	"context"
	"time"

	"github.com/aio-go/aio"
)

type side bool

const (
	her      side = true
	opponent side = false
)

// record is what happened in an exhibition. It belongs to the loop.
type record struct {
	began, ended time.Time
	lastOfHers   time.Time // the end of her last move
	moving       time.Duration
	games        []game
	keepMoves    bool
	moves        []move // if they are kept
}

func newRecord(s settings) *record {
	return &record{games: make([]game, s.boards), keepMoves: s.moves}
}

// game is one board.
type game struct{ began, ended time.Time }

// move is one move of one game.
type move struct {
	at    time.Time // when it was made
	board int
	side  side
}

// moved notes a move that was made now, after thinking for the time took.
func (r *record) moved(ctx context.Context, board int, s side, took time.Duration) {
	now := aio.RunningLoop(ctx).Time()
	g := &r.games[board]
	if g.began.IsZero() {
		g.began = now.Add(-took)
	}
	g.ended = now
	if s == her {
		r.lastOfHers = now
		r.moving += took
	}
	if r.keepMoves {
		r.moves = append(r.moves, move{now, board, s})
	}
}

// since returns how far into the exhibition t is.
func (r *record) since(t time.Time) time.Duration { return t.Sub(r.began) }

// took is how long the exhibition was.
func (r *record) took() time.Duration { return r.since(r.ended) }
