package main

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// command is something a member can do besides saying something.
type command struct {
	name, argument, about string
	do                    func(h *hall, m *member, argument string)
}

// commands are all but /quit and /help, in the order of the help.
var commands = []command{
	{"/nick", "NAME", "take another nickname", (*hall).nick},
	{"/who", "", "list who is here, room by room", (*hall).who},
	{"/join", "ROOM", "go to another room, new or not", (*hall).join},
	{"/leave", "", "leave the room, and be in none", (*hall).leave},
}

// help returns a line for each command.
func help(indent, end string) string {
	var b strings.Builder
	line := func(name, argument, about string) {
		fmt.Fprintf(&b, "%s%-13s %s%s", indent, strings.TrimSpace(name+" "+argument), about, end)
	}
	for _, c := range commands {
		line(c.name, c.argument, c.about)
	}
	line("/quit", "[WORDS]", "go, with a last word or without")
	line("/help", "", "list the commands")
	return b.String()
}

// obey does what a line says. It reports whether the member wants to go, and the last words.
func (h *hall) obey(m *member, text string) (quit bool, message string) {
	if text == "" {
		return false, ""
	}
	if !strings.HasPrefix(text, "/") {
		h.say(m, text)
		return false, ""
	}
	name, argument, _ := strings.Cut(text, " ")
	argument = strings.TrimSpace(argument)
	switch name {
	case "/quit":
		if argument != "" {
			message = ": " + argument
		}
		m.tell("* Bye.")
		return true, message
	case "/help":
		m.tell("%s", strings.TrimSuffix(help("* ", newLine), newLine))
		return false, ""
	}
	for _, c := range commands {
		if c.name != name {
			continue
		}
		if c.argument == "" && argument != "" || c.argument != "" && argument == "" {
			m.tell("* Write it as in: %s", strings.TrimSpace(c.name+" "+c.argument))
		} else {
			c.do(h, m, argument)
		}
		return false, ""
	}
	m.tell("* There is no command %s. /help lists those there are.", name)
	return false, ""
}

func (h *hall) say(m *member, text string) {
	if m.room == "" {
		m.tell("* You are in no room; nobody hears you. /join %s", lobby)
		return
	}
	h.announce(m.room, m, "%s: %s", m.nick, text)
}

func (h *hall) nick(m *member, nick string) {
	if why := unfit(nick); why != "" {
		m.tell("* %s", why)
		return
	}
	if other := h.named(nick); other != nil && other != m {
		m.tell("* Somebody else is %s.", other.nick)
		return
	}
	was := m.nick
	m.nick = nick
	m.tell("* You are %s now.", nick)
	h.announce(m.room, m, "* %s is %s now", was, nick)
}

func (h *hall) who(m *member, _ string) {
	for _, room := range h.rooms() {
		m.tell("* %s: %s", room, names(h.in(room)))
	}
	if nowhere := h.in(""); len(nowhere) > 0 {
		m.tell("* in no room: %s", names(nowhere))
	}
}

func names(members []*member) string {
	var list []string
	for _, m := range members {
		list = append(list, m.nick)
	}
	return strings.Join(list, ", ")
}

func (h *hall) join(m *member, room string) {
	room = strings.ToLower(room)
	switch {
	case room == m.room:
		m.tell("* You are there.")
		return
	case unfit(room) != "":
		m.tell("* %s", unfit(room))
		return
	}
	h.announce(m.room, m, "* %s has left for %s", m.nick, room)
	m.room = room
	m.tell("* %s", h.company(m))
	h.announce(room, m, "* %s has come", m.nick)
}

func (h *hall) leave(m *member, _ string) {
	if m.room == "" {
		m.tell("* You are in no room.")
		return
	}
	h.announce(m.room, m, "* %s has left", m.nick)
	m.tell("* You have left %s.", m.room)
	m.room = ""
}

// unfit says why a text is no name for a person or a room, "" if it is one.
func unfit(name string) string {
	const longest = 20
	isOdd := func(c rune) bool {
		return !unicode.IsLetter(c) && !unicode.IsDigit(c) && c != '-' && c != '_'
	}
	switch {
	case strings.ContainsFunc(name, isOdd):
		return "Names have letters, digits, - and _."
	case utf8.RuneCountInString(name) > longest:
		return fmt.Sprintf("Names have at most %d letters.", longest)
	}
	return ""
}
