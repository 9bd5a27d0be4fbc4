package poll

// The part of the kqueue poller that needs no kqueue.

// filter is one of the two conditions of a descriptor that a kqueue watches, each by itself.
type filter uint8

const (
	readFilter filter = iota
	writeFilter
)

// filters returns what to watch for an interest. HangUp is part of what the filters report.
func filters(i Interest) []filter {
	switch {
	case i&Readable != 0 && i&Writable != 0:
		return []filter{readFilter, writeFilter}
	case i&Readable != 0, i&HangUp != 0 && i&Writable == 0:
		return []filter{readFilter}
	case i&Writable != 0:
		return []filter{writeFilter}
	}
	return nil
}

// fromKevent translates a report. eof says that the other side has ended: for reading the half-close, for writing the
// whole connection.
func fromKevent(f filter, eof bool) Interest {
	switch {
	case f == readFilter && !eof:
		return Readable
	case f == readFilter:
		return Readable | HangUp
	case !eof:
		return Writable
	}
	return Readable | Writable | HangUp
}
