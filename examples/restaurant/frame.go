package main

import (
	"fmt"
	"strings"
	"time"
)

// The size of a frame.
const (
	frameWidth  = 80
	frameHeight = 18
)

// The chart: which bot had the loop in the last twenty seconds.
const (
	columns = 40
	column  = 500 * time.Millisecond
)

// palette has the colours, as escape sequences; the zero palette has none.
type palette struct {
	bots               [bots]string
	strong, weak, loud string
	off                string
}

var colourful = palette{
	bots:   [bots]string{"\x1b[36m", "\x1b[32m", "\x1b[33m", "\x1b[35m"},
	strong: "\x1b[1m", weak: "\x1b[2m", loud: "\x1b[1;31m", off: "\x1b[0m",
}

// frame draws the restaurant as it is now, line by line.
func (h *house) frame(c palette) []string {
	now := h.now()
	clock := fmt.Sprintf("%d:%04.1f", int(now/time.Minute), (now % time.Minute).Seconds())
	title, chart := "LoopBot's restaurant, on an evening on which "+h.title, "who had the loop"
	if h.threads {
		title, chart = "The restaurant, on an evening with "+h.title, "who was busy"
	}
	lines := []string{
		fmt.Sprintf(" %s%s%s%*s", c.strong, title, c.off, frameWidth-2-width(title), clock),
		"",
		fmt.Sprintf("   at the door    %s", h.crowd(atTheDoor, c)),
	}
	for table := range h.tables {
		lines = append(lines, fmt.Sprintf("   table %d        %s",
			table+1, h.tableLine(table, now, c)))
	}
	lines = append(lines,
		fmt.Sprintf("   went home      %s", h.crowd(goneHome, c)),
		fmt.Sprintf("   left hungry    %s", h.crowd(leftHungry, c)),
		"",
		fmt.Sprintf(" %s%s%s%*s",
			c.weak, chart, c.off, frameWidth-2-len(chart), "the last 20 seconds up to now"),
	)
	for b := range bot(bots) {
		lines = append(lines, fmt.Sprintf(" %s%-9s%s %-25s %s▏%s%s%s▕%s",
			c.bots[b], b, c.off, h.duty(b), c.weak, c.off, h.chart(b, now, c), c.weak, c.off))
	}
	lines = append(lines, "")
	lines = append(lines, h.turn(now, c)...)
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return lines
}

// circled is the number of a party in a circle.
func (p *party) circled() string { return string(rune('①' + p.number - 1)) }

// crowd lists the parties in a stage.
func (h *house) crowd(s stage, c palette) string {
	colour := c.off
	if s == leftHungry {
		colour = c.loud
	}
	var list []string
	for _, p := range h.parties {
		// A party that came while the loop was held stands at the door, though the loop does not
		// know it.
		if p.stage == s || s == atTheDoor && p.stage == notYet && p.came < h.now() {
			list = append(list, p.circled())
		}
	}
	if len(list) == 0 {
		return ""
	}
	return colour + strings.Join(list, " ") + c.off
}

// tableLine is the state of a table.
func (h *house) tableLine(table int, now time.Duration, c palette) string {
	p := h.tables[table]
	if p == nil {
		return c.weak + "·" + c.off
	}
	what := map[stage]string{
		beingSeated: "is led to the table", reads: "reads the menu", ready: "would like to order",
		eats: "eats", wantsToPay: "would like to pay",
	}[p.stage]
	if p.stage == waitsForFood {
		var missing []string
		if !p.dish.IsSet() {
			missing = append(missing, "the dish")
		}
		if !p.wine.IsSet() {
			missing = append(missing, "the wine")
		}
		what = "waits for " + strings.Join(missing, " and ")
		if missing == nil {
			what = "begins to eat"
		}
	}
	text := fmt.Sprintf("%s  %-33s", p.circled(), what)
	if p.stage == eats {
		return text + bar(now-p.since, eating)
	}
	waited := now - p.since
	if (p.stage == ready || p.stage == wantsToPay ||
		p.stage == waitsForFood) && waited >= time.Second {
		text += fmt.Sprintf("%sfor %d s%s", c.weak, waited/time.Second, c.off)
	}
	return strings.TrimRight(text, " ")
}

// bar shows how much of the whole is done.
func bar(done, whole time.Duration) string {
	const length = 16
	n := int(min(done, whole) * length / whole)
	return strings.Repeat("▰", n) + strings.Repeat("▱", length-n)
}

// duty is the work of a bot, beside its current work.
func (h *house) duty(b bot) string {
	switch waiting := [...]int{h.door.Len(), h.floor.Len(), h.kitchen.Len(), h.bar.Len()}[b]; {
	case b == chefBot && h.oven > 0:
		return fmt.Sprintf("%d in the oven, %d to do", h.oven, waiting)
	case b == wineBot && h.breathe > 0:
		return fmt.Sprintf("%d breathing, %d to do", h.breathe, waiting)
	case waiting > 0:
		return fmt.Sprintf("%d to do", waiting)
	}
	return ""
}

// chart shows when a bot had the loop.
func (h *house) chart(b bot, now time.Duration, c palette) string {
	var busy [columns]time.Duration
	first := now.Truncate(column) - (columns-1)*column
	note := func(x hold) {
		for i := range busy {
			from := first + time.Duration(i)*column
			busy[i] += max(0, min(x.to, from+column)-max(x.from, from))
		}
	}
	for i := len(h.held) - 1; i >= 0 && h.held[i].to > first; i-- {
		if h.held[i].bot == b {
			note(h.held[i])
		}
	}
	if h.holding[b] != nil {
		x := *h.holding[b]
		x.to = now
		note(x)
	}
	var text strings.Builder
	text.WriteString(c.bots[b])
	for _, d := range busy {
		switch {
		case d >= column*2/3:
			text.WriteString("█")
		case d >= column/5:
			text.WriteString("▌")
		default:
			text.WriteString(" ")
		}
	}
	text.WriteString(c.off)
	return text.String()
}

// turn says which bot has the loop, and explains it in a second line.
func (h *house) turn(now time.Duration, c palette) []string {
	if h.ended > 0 {
		return []string{" The last guests have gone.", ""}
	}
	var x *hold
	var busy []string
	for b, now := range h.holding {
		if now != nil {
			x = now
			busy = append(busy, c.bots[b]+bot(b).String()+c.off)
		}
	}
	switch {
	case h.threads && len(busy) == 0:
		return []string{" All four bots have their hands free.", ""}
	case h.threads:
		return []string{" At work: " + strings.Join(busy, ", ") + ".",
			" Each is a thread and has hands of its own: nobody waits for another."}
	case x == nil:
		return []string{" LoopBot has its hands free", ""}
	}
	first := fmt.Sprintf(" LoopBot is %s%s%s and %s", c.bots[x.bot], x.bot, c.off, x.what)
	if took := now - x.from; took >= time.Second {
		return []string{first + fmt.Sprintf(", for %d s now",
			took/time.Second), fmt.Sprintf(" %sNobody else gets a turn.%s", c.loud, c.off)}
	}
	return []string{first, ""}
}

// width is how many columns a text takes that has no escape sequences.
func width(text string) int { return len([]rune(text)) }
