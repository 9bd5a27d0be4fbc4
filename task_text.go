package aio

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/aio-go/aio/internal/safetext"
)

// shownName returns the name in a form that is safe to show: it may contain a peer's text.
func (t *taskCore) shownName() string { return safetext.Message(t.Name()) }

// String shows the name, the state, the result or error, what the task waits for, and the done
// callbacks.
func (c *core) String() (text string) {
	if c.self == nil {
		return "<Future uninitialised>"
	}
	c.loop.asNobody(func() { text = c.text() })
	return text
}

func (c *core) text() string {
	t := c.self.asTask()
	if t == nil {
		return fmt.Sprintf("<Future %s%s%s>", c.state, c.outcomeText(), c.callbackText())
	}
	state := c.state.String()
	if !c.Done() && t.scope.cancelled.Load() != nil {
		state = "cancelling"
	}
	s := fmt.Sprintf("<Task %s %s%s", t.shownName(), state, c.outcomeText())
	if p := t.parkedIn(); p != nil {
		s += " in " + p.op
		if on := p.waitText(); on != "" {
			s += " for " + on
		}
	}
	s += c.callbackText()
	if site := c.site(); site != "" {
		s += " " + site
	}
	return s + ">"
}

func (c *core) outcomeText() string {
	switch {
	case c.rare != nil && c.rare.panic != nil:
		return " " + safetext.Error(c.rare.panic)
	case c.err != nil && c.Done():
		text := safetext.Error(c.err)
		if c.state == cancelled { // which the state says already
			text = strings.TrimPrefix(strings.TrimPrefix(text, "cancelled"), " ")
		}
		if text == "" {
			return ""
		}
		return " " + text
	case c.state == succeeded:
		return c.self.resultText()
	}
	return ""
}

// resultText shows a result in shortened form.
func resultText[T any](v T) string {
	if _, none := any(v).(None); none {
		return ""
	}
	return " result=" + safetext.Value(v, 80)
}

// callbackText lists the functions of the done callbacks. Of many it shows the first, how many
// more, and the last.
func (c *core) callbackText() string {
	var sites []string
	for e := c.waiters.First(); e != nil; e = c.waiters.Next(e) {
		if d, ok := e.Value.(*doneCallback); ok {
			sites = append(sites, funcSite(reflect.ValueOf(d.fn).Pointer()))
		}
	}
	if n := len(sites); n > 2 {
		sites = []string{sites[0], fmt.Sprintf("%d more", n-2), sites[n-1]}
	}
	if len(sites) == 0 {
		return ""
	}
	return " callbacks=[" + strings.Join(sites, ", ") + "]"
}

func (t *Task[T]) resultText() string { return resultText(t.value) }

func (f *Future[T]) resultText() string { return resultText(f.value) }

// site returns the function of a task or, in debug mode, the line that created it.
func (c *core) site() string {
	if c.rare != nil && len(c.rare.created) > 0 {
		return siteOf(c.rare.created[0])
	}
	return funcSite(c.code())
}

// siteOf is core.site.
func (c *picture) siteOf(t *taskCore) string {
	if t.rare != nil && len(t.rare.created) > 0 {
		return t.core.site()
	}
	pc := t.core.code()
	site, known := c.sites[pc]
	if !known {
		site = funcSite(pc)
		if c.sites == nil {
			c.sites = map[uintptr]string{}
		}
		c.sites[pc] = site
	}
	return site
}

// code returns the address of the code of a task's function, 0 for a future.
func (c *core) code() uintptr {
	if f, ok := c.self.(interface{ entry() uintptr }); ok {
		return f.entry()
	}
	return 0
}

// entry returns the address of the function's code.
func (t *Task[T]) entry() uintptr {
	if t.fn == nil {
		return 0
	}
	pc := codeOf(t.fn)
	if t.flags&plain == 0 && madeHere(pc) {
		var w whose
		t.fn(&w)
		pc = w.pc
	}
	return pc
}
