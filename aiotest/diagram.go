package aiotest

import (
	"fmt"
	"html"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// diagram is what happened between the hosts of a World: a row for each message, fault and failure.
type diagram []event

// event is a row.
type event struct {
	at       time.Duration
	from, to string // the hosts of a message; empty: the text is about no message
	text     string
	mark     byte // '>' for a fault that was chosen, '!' for a failure, else a space
}

// sent adds a message.
func (w *World) sent(from, to *Host, p []byte) {
	if st := w.run.story; st != nil && !w.ended {
		st.message(from, to, excerpt(p))
		st.diagram.add(event{w.loop.Time().Sub(epoch), from.name, to.name, excerpt(p), ' '})
	}
}

// maxEvents is how many rows a diagram keeps: the first half, and the last ones.
const maxEvents = 2000

func (d *diagram) add(e event) {
	if len(*d) == maxEvents {
		*d = slices.Delete(*d, maxEvents/2, maxEvents/2+maxEvents/10)
	}
	*d = append(*d, e)
}

// excerpt shows the beginning of a message, or its length if it is not text. A few bytes that are
// no text, such as the length before a frame, do not matter.
func excerpt(p []byte) string {
	const most = 40
	head := p[:min(len(p), most)]
	strange := 0
	for _, c := range string(head) {
		if c == utf8.RuneError || c < ' ' && c != '\n' && c != '\r' && c != '\t' {
			strange++
		}
	}
	if 2*strange > len(head) {
		return fmt.Sprintf("%d bytes", len(p))
	}
	if text := strconv.Quote(string(head)); len(p) == len(head) {
		return text
	}
	return strconv.Quote(string(head)) + "..."
}

// hosts returns the hosts that have sent something, or got it, in the order of the first message.
func (d diagram) hosts() []string {
	var names []string
	for _, e := range d {
		for _, name := range []string{e.from, e.to} {
			if name != "" && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// Of the text: rows at most, columns of a host.
const (
	maxRows  = 40
	widest   = 28
	lineSize = 96
	timeSize = 13
)

// String draws the diagram with a column for each host. It is empty if no host has sent anything.
// Of a long one it shows the beginning and the end, and all faults between.
func (d diagram) String() string {
	rows := d
	var left int
	if len(d) > maxRows {
		const head = maxRows / 4
		tail := len(d) - (maxRows - head)
		rows = slices.Clone(d[:head])
		for _, e := range d[head:tail] {
			if e.from == "" && len(rows) < maxRows {
				rows = append(rows, e)
			} else {
				left++
			}
		}
		rows = append(rows, event{at: -1, text: fmt.Sprintf("... %d rows ...", left), mark: ' '})
		rows = append(rows, d[tail:]...)
	}
	hosts := rows.hosts()
	if len(hosts) == 0 {
		return ""
	}
	wide := min(widest, max(12, (lineSize-timeSize)/len(hosts)))
	var b strings.Builder
	line := func(head string, cells []rune, text string) {
		s := fmt.Sprintf("%-*s%s", timeSize, head, string(cells))
		if text != "" {
			s += "  " + text
		}
		b.WriteString(strings.TrimRight(s, " ") + "\n")
	}
	names := blank(wide*(len(hosts)-1) + wide)
	for i, name := range hosts {
		copy(names[wide*i:], []rune(shorten(name, wide-1)))
	}
	line("  time", names, "")
	for _, e := range rows {
		head := string(e.mark) + " "
		if e.at >= 0 {
			head += e.at.String()
		}
		cells := blank(wide*(len(hosts)-1) + 1)
		for i := range hosts {
			cells[wide*i] = '|'
		}
		if e.from == "" {
			line(head, cells, e.text)
			continue
		}
		arrow(cells, wide*slices.Index(hosts, e.from), wide*slices.Index(hosts, e.to), e.text)
		line(head, cells, "")
	}
	return b.String()
}

func blank(n int) []rune { return []rune(strings.Repeat(" ", n)) }

// arrow draws from one column to another, with text on it.
func arrow(cells []rune, from, to int, text string) {
	a, b := min(from, to), max(from, to)
	for i := a + 1; i < b; i++ {
		cells[i] = '-'
	}
	if from < to {
		cells[b-1] = '>'
	} else {
		cells[a+1] = '<'
	}
	label := []rune(" " + shorten(text, b-a-7) + " ")
	copy(cells[a+(b-a-len(label))/2+1:], label)
}

func shorten(text string, n int) string {
	if r := []rune(text); len(r) > n {
		return string(r[:max(n-2, 0)]) + ".."
	}
	return text
}

// Of the SVG, in pixels.
const (
	svgLeft   = 110
	svgColumn = 190
	svgRow    = 22
	svgTop    = 50
)

// SVG draws the diagram as a picture.
func (d diagram) SVG(title string) string {
	hosts := d.hosts()
	wide := svgLeft + svgColumn*len(hosts) + 500
	high := svgTop + svgRow*(len(d)+1)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" `+
		`font-family="monospace" font-size="12">
<title>%s</title>
<defs><marker id="end" markerWidth="9" markerHeight="8" refX="8" refY="4" orient="auto">`+
		`<path d="M0,0L9,4L0,8z"/></marker></defs>
<rect width="100%%" height="100%%" fill="white"/>
`, wide, high, html.EscapeString(title))
	x := func(host string) int {
		return svgLeft + svgColumn/2 + svgColumn*slices.Index(hosts, host)
	}
	text := func(x, y int, anchor, colour, s string) {
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="%s" fill="%s">%s</text>`+"\n",
			x, y, anchor, colour, html.EscapeString(s))
	}
	for _, h := range hosts {
		text(x(h), 24, "middle", "black", h)
		fmt.Fprintf(&b, `<line x1="%d" y1="32" x2="%[1]d" y2="%d" stroke="silver"/>`+"\n",
			x(h), high)
	}
	colours := map[byte]string{' ': "black", '>': "darkorange", '!': "crimson"}
	for i, e := range d {
		y := svgTop + svgRow*(i+1)
		text(svgLeft-10, y, "end", "grey", e.at.String())
		if e.from == "" {
			text(svgLeft+svgColumn*len(hosts), y, "start", colours[e.mark], e.text)
			continue
		}
		from, to := x(e.from), x(e.to)
		fmt.Fprintf(&b, `<line x1="%d" y1="%d" x2="%d" y2="%[2]d" stroke="black" `+
			`marker-end="url(#end)"/>`+"\n", from, y, to)
		text((from+to)/2, y-4, "middle", "black", shorten(e.text, 24))
	}
	b.WriteString("</svg>\n")
	return b.String()
}
