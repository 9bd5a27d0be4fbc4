package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aio-go/aio/examples/internal/limits"
	"github.com/aio-go/aio/stream"
)

const (
	lobby        = "lobby"  // the room in which every member begins
	longestLine  = 1000     // bytes that a member may send in one line
	leastBacklog = 2 * 1024 // bytes: room for a line with a name before it
	newLine      = "\r\n"   // what terminals of the network expect
)

// hall has all members. It belongs to one loop, and none of its methods waits: each action of a
// member is complete before the next member's turn, without a lock.
type hall struct {
	members []*member     // in the order in which they came
	guests  int           // how many have come so far
	backlog int           // bytes that may wait to be sent to a member
	rate    int           // lines a second
	flood   time.Duration // how long the lines of a member may wait for their turn, at most
	log     io.Writer
	limits  *limits.Limits
}

// member is a participant of the chat.
type member struct {
	nick, room string // room is "" for one who has left it and not joined another
	ear        ear
	slow       bool // has been cut off
}

// ear is the way to a member.
type ear interface {
	// hear sends a line, without its end, and never waits. It reports false if too much waits to be
	// sent already.
	hear(line string) bool
	// abort ends the connection.
	abort()
}

// terminal is the ear of a member at a terminal.
type terminal struct {
	w       *stream.Writer
	backlog int
}

func (t terminal) hear(line string) bool {
	line += newLine
	if t.w.Transport().WriteBufferSize()+len(line) > t.backlog {
		return false
	}
	t.w.WriteString(line)
	return true
}

func (t terminal) abort() { t.w.Abort() }

// enter makes a member of a visitor.
func (h *hall) enter(ear ear) *member {
	m := &member{ear: ear, room: lobby}
	for m.nick == "" || h.named(m.nick) != nil {
		h.guests++
		m.nick = fmt.Sprint("guest", h.guests)
	}
	h.members = append(h.members, m)
	m.tell("* Welcome, %s. %s /help lists the commands.", m.nick, h.company(m))
	h.announce(m.room, m, "* %s has come", m.nick)
	return m
}

// exit sees a member off; why says how that came about.
func (h *hall) exit(m *member, why string) {
	h.members = slices.DeleteFunc(h.members, func(other *member) bool { return other == m })
	h.announce(m.room, m, "* %s %s", m.nick, why)
	fmt.Fprintf(h.log, "%s %s, %d here\n", m.nick, why, len(h.members))
}

// named returns the member with a nickname, nil if there is none. Case does not count.
func (h *hall) named(nick string) *member {
	for _, m := range h.members {
		if strings.EqualFold(m.nick, nick) {
			return m
		}
	}
	return nil
}

// in returns the members in a room.
func (h *hall) in(room string) []*member {
	var list []*member
	for _, m := range h.members {
		if m.room == room {
			list = append(list, m)
		}
	}
	return list
}

// rooms returns the rooms with members, in order.
func (h *hall) rooms() []string {
	var list []string
	for _, m := range h.members {
		if m.room != "" && !slices.Contains(list, m.room) {
			list = append(list, m.room)
		}
	}
	slices.Sort(list)
	return list
}

// company names the other members in the room of a member.
func (h *hall) company(m *member) string {
	others := len(h.in(m.room)) - 1
	switch others {
	case 0:
		return fmt.Sprintf("You are alone in %s.", m.room)
	case 1:
		return fmt.Sprintf("You are in %s, with 1 other.", m.room)
	}
	return fmt.Sprintf("You are in %s, with %d others.", m.room, others)
}

// announce sends a line to all members of a room but one.
func (h *hall) announce(room string, but *member, format string, args ...any) {
	if room == "" {
		return
	}
	line := fmt.Sprintf(format, args...)
	for _, m := range h.members {
		if m.room == room && m != but {
			m.hear(line)
		}
	}
}

// dismiss tells all members that the chat ends.
func (h *hall) dismiss() {
	for _, m := range h.members {
		m.tell("* The chat ends here. Bye.")
	}
}

// tell writes a line for a member. It does not wait, or a slow reader would stop all others. It
// buffers at most the backlog. A member that is slower than that is cut off: the connection ends,
// and the task that serves it notices.
func (m *member) tell(format string, args ...any) {
	m.hear(fmt.Sprintf(format, args...))
}

// hear is tell with a whole line.
func (m *member) hear(line string) {
	if !m.slow && !m.ear.hear(line) {
		m.slow = true
		m.ear.abort()
	}
}
