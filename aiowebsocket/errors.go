package aiowebsocket

import (
	"errors"
	"strconv"

	"github.com/gobwas/ws"
)

// ErrClosed matches every error of a connection that has ended.
var ErrClosed = errors.New("aiowebsocket: the connection is closed")

// ErrFull is the error of [Conn.WriteNowait] if too many bytes wait for the peer.
var ErrFull = errors.New("aiowebsocket: too many bytes wait for the peer")

// ErrHandshake matches the errors of [Accept] and [Dial] for a handshake that one side refused.
var ErrHandshake = errors.New("aiowebsocket: the handshake failed")

// Code is the status code of a close.
type Code int

// Codes of RFC 6455, section 7.4, and of its registry. Those from 3000 on are free for programs.
const (
	Normal          Code = 1000
	GoingAway       Code = 1001 // a server ends, or a page is left
	ProtocolError   Code = 1002
	UnsupportedData Code = 1003
	NoStatus        Code = 1005 // the peer gave no code; cannot be sent
	Abnormal        Code = 1006 // there was no close handshake; cannot be sent
	InvalidData     Code = 1007 // a text is not UTF-8, or compressed data is corrupt
	PolicyViolation Code = 1008
	TooBig          Code = 1009
	InternalError   Code = 1011
	ServiceRestart  Code = 1012
	TryAgainLater   Code = 1013
)

// canBeSent reports whether a close frame may have the code.
func (c Code) canBeSent() bool {
	switch {
	case c >= 1012 && c <= 1014, c >= 3000 && c <= 4999:
		return true
	}
	return ws.CheckCloseFrameData(ws.StatusCode(c), "") == nil && c < 3000 && c > 0
}

// CloseError is why a connection ended. It matches [ErrClosed].
type CloseError struct {
	Code   Code
	Reason string // of the side that closed; may be chosen by the peer
	Remote bool   // the peer closed first, and said why
	Err    error  // what went wrong, for Abnormal and for mistakes of the peer; else nil
}

func (e *CloseError) Error() string {
	s := "aiowebsocket: closed"
	if e.Remote {
		s += " by the peer"
	}
	s += " with " + strconv.Itoa(int(e.Code))
	if e.Reason != "" {
		s += " " + strconv.Quote(e.Reason)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *CloseError) Is(target error) bool { return target == ErrClosed }
func (e *CloseError) Unwrap() error        { return e.Err }

// inOrder reports whether nothing went wrong.
func (e *CloseError) inOrder() bool {
	return e.Err == nil && (e.Code == Normal || e.Code == GoingAway || e.Code == NoStatus)
}
