package main

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
)

// answer is what came back for one request: the status, and a connection on which the rest of it is
// still to come.
type answer struct {
	status
	conn   *connection
	method string
	keep   bool              // the connection may serve again
	head   map[string]string // by name in small letters; nil until it was read

	unclear bool // the head says twice how long the rest is
}

const (
	mostFields = 200      // in the head of an answer
	mostHead   = 64 << 10 // bytes of it
	mostRest   = 64 << 10 // bytes that are read of a page, for the sake of the connection
)

var (
	errTooMuch   = errors.New("the rest of the answer is too much to read")
	errMalformed = errors.New("the rest of the answer cannot be understood")
)

// readHead reads up to the empty line.
func (a *answer) readHead(ctx context.Context) error {
	if a.head != nil {
		return nil
	}
	head, left := map[string]string{}, mostHead
	for range mostFields {
		line, err := a.conn.r.ReadLine(ctx)
		if err != nil {
			return err
		}
		text := strings.TrimRight(string(line), "\r\n")
		if text == "" {
			a.head = head
			return nil
		}
		if left -= len(line); left < 0 {
			break
		}
		name, value, _ := strings.Cut(text, ":")
		name, value = strings.ToLower(name), strings.TrimSpace(value)
		switch before, again := head[name]; {
		case !again:
			head[name] = value // the first counts, as for package net/http
		case name == "content-length" && before != value, name == "transfer-encoding":
			a.unclear = true
		}
	}
	return errTooMuch
}

// location returns where a redirect leads; "" if the answer is none.
func (a *answer) location(ctx context.Context) (string, error) {
	switch a.code {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return "", nil
	}
	if err := a.readHead(ctx); err != nil {
		if errors.Is(err, context.Canceled) {
			return "", err
		}
		return "", nil // it has answered, and says no more
	}
	return a.head["location"], nil
}

// skip reads the rest of the answer, so that the connection can serve another request. An error
// means that it cannot.
func (a *answer) skip(ctx context.Context) error {
	if err := a.readHead(ctx); err != nil {
		return err
	}
	if strings.EqualFold(a.head["connection"], "close") {
		return errTooMuch
	}
	if a.method == http.MethodHead || a.code == http.StatusNoContent ||
		a.code == http.StatusNotModified {
		return nil
	}
	_, hasLength := a.head["content-length"]
	if coding, ok := a.head["transfer-encoding"]; ok || a.unclear {
		if hasLength || a.unclear { // the connection could not be trusted afterwards
			return errMalformed
		}
		if !strings.EqualFold(coding, "chunked") {
			return errMalformed
		}
		return a.skipChunks(ctx)
	}
	length, ok := a.head["content-length"]
	if !ok {
		return errTooMuch // up to the end of the connection
	}
	n, err := strconv.ParseUint(length, 10, 63)
	switch {
	case err != nil:
		return errMalformed
	case n > mostRest:
		return errTooMuch
	}
	_, err = a.conn.r.ReadExactly(ctx, int(n))
	return err
}

// skipChunks reads pieces with their sizes in front, the last of which is empty.
func (a *answer) skipChunks(ctx context.Context) error {
	for left := mostRest; ; {
		line, err := a.conn.r.ReadLine(ctx)
		if err != nil {
			return err
		}
		digits, _, _ := strings.Cut(strings.TrimSpace(string(line)), ";")
		n, err := strconv.ParseUint(strings.TrimSpace(digits), 16, 31)
		switch {
		case err != nil:
			return errMalformed
		case n == 0:
			a.head = nil
			return a.readHead(ctx) // there may be fields behind, too
		case int(n) > left:
			return errTooMuch
		}
		left -= int(n)
		end, err := a.conn.r.ReadExactly(ctx, int(n)+2)
		if err != nil {
			return err
		}
		if string(end[n:]) != "\r\n" {
			return errMalformed
		}
	}
}
