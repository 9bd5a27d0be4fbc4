package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/monitor"
)

// paint says whether to use colours.
type paint bool

func (p paint) bad(s string) string {
	if p {
		return "\x1b[31;1m" + s + "\x1b[0m"
	}
	return s
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && f.Name() != os.DevNull
}

// task is a task of a picture, with how many tasks it holds up.
type task struct {
	aio.TaskInfo
	loop uint64
	held int
}

// orders compare tasks: those that come first are worth looking at first.
var orders = map[string]func(a, b task) int{
	"held": func(a, b task) int {
		return cmp.Or(cmp.Compare(b.held, a.held), cmp.Compare(b.Waited, a.Waited))
	},
	"waited": func(a, b task) int { return cmp.Compare(b.Waited, a.Waited) },
	"age":    func(a, b task) int { return cmp.Compare(b.Age, a.Age) },
	"name":   func(a, b task) int { return cmp.Compare(a.Name, b.Name) },
}

// tasksOf returns the tasks of all loops in the order with this name.
func tasksOf(p monitor.Picture, order string) (all []task) {
	for _, l := range p.Loops {
		if l.Snapshot == nil {
			continue
		}
		held := heldUp(l.Snapshot.Tasks)
		for _, i := range l.Snapshot.Tasks {
			all = append(all, task{i, l.Number, held[i.ID]})
		}
	}
	slices.SortStableFunc(all, orders[order])
	return all
}

// heldUp returns how many tasks each task holds up, directly or not. Of very many it counts no
// more than 10,000.
func heldUp(tasks []aio.TaskInfo) map[uint32]int {
	waiters := map[uint32][]uint32{}
	for _, i := range tasks {
		for _, w := range i.WaitsFor {
			waiters[w] = append(waiters[w], i.ID)
		}
	}
	held := make(map[uint32]int, len(waiters))
	for id := range waiters {
		seen, todo := map[uint32]bool{id: true}, []uint32{id}
		for len(todo) > 0 && len(seen) <= 10_000 {
			next := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			for _, w := range waiters[next] {
				if !seen[w] {
					seen[w] = true
					todo = append(todo, w)
				}
			}
		}
		held[id] = len(seen) - 1
	}
	return held
}

func (c *command) writeJSON(v any) error {
	e := json.NewEncoder(c.out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// stills tells about the loops that stand still. Their exit code is busy.
func (c *command) stills(p monitor.Picture) error {
	var err error
	for _, l := range p.Loops {
		b := l.Busy
		if b == nil {
			continue
		}
		err = &problem{code: busy}
		who := "a callback"
		if b.Name != "" {
			who = fmt.Sprintf("task %d, %s,", b.Task, b.Name)
		}
		line := fmt.Sprintf("loop %d has not answered for %s: %s is in it (%s)",
			l.Number, short(b.Since), who, b.State)
		fmt.Fprintln(c.out, c.paint.bad(line))
		fmt.Fprintf(c.out, "    at %s\n    %s\n", b.At, b.Advice)
		for _, frame := range b.Stack {
			fmt.Fprintf(c.out, "      %s\n", frame)
		}
		if l.Snapshot == nil {
			fmt.Fprintln(c.out, "    nobody has asked before, so its other tasks are not known")
		} else {
			fmt.Fprintf(c.out, "    its tasks as they were %s ago:\n", short(l.Age))
		}
	}
	return err
}

func (c *command) ps(ctx context.Context) error {
	if len(c.args) == 0 {
		return c.list(ctx)
	}
	p, err := c.picture(ctx, monitor.Question{Stacks: true})
	if err != nil {
		return err
	}
	if c.json {
		return c.writeJSON(p)
	}
	return c.table(p)
}

// table writes the tasks of a picture.
func (c *command) table(p monitor.Picture) error {
	still := c.stills(p)
	all := tasksOf(p, c.sort)
	t := tabwriter.NewWriter(c.out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "LOOP\tID\tNAME\tSTATE\tWAITED\tHOLDS UP\tIN\tON\tAT")
	rows := all
	if c.n > 0 {
		rows = rows[:min(c.n, len(rows))]
	}
	for _, i := range rows {
		waited, held := "", ""
		if i.State == "waiting" {
			waited = short(i.Waited)
		}
		if i.held > 0 {
			held = strconv.Itoa(i.held)
		}
		state := i.State
		if i.Cancel != nil {
			state += ", cancelled"
		}
		fmt.Fprintf(t, "%d\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", i.loop, i.ID, i.Name, state, waited,
			held, i.Op, cut(i.On, 60), cmp.Or(i.At, i.Site))
		if c.stacks {
			for _, frame := range i.Stack {
				fmt.Fprintf(t, "\t\t\t\t\t\t\t\t  %s\n", frame)
			}
		}
	}
	t.Flush()
	if len(rows) < len(all) {
		fmt.Fprintf(c.out, "%d of %d tasks\n", len(rows), len(all))
	}
	for _, l := range p.Loops {
		if l.NoStacks != "" {
			fmt.Fprintf(c.errs, "aio: loop %d without stacks: %s; -force takes them\n", l.Number,
				l.NoStacks)
		}
	}
	return still
}

// list lists the processes.
func (c *command) list(ctx context.Context) error {
	pids, err := monitor.Processes(ctx)
	if err != nil {
		return err
	}
	pictures := []monitor.Picture{}
	for _, pid := range pids {
		client, err := monitor.Connect(ctx, pid)
		if err != nil {
			continue // it has just ended
		}
		p, err := client.Picture(ctx, monitor.Question{Brief: true})
		client.Close()
		if err != nil {
			fmt.Fprintf(c.errs, "aio: process %d: %v\n", pid, err)
			continue
		}
		pictures = append(pictures, p)
	}
	if c.json {
		return c.writeJSON(pictures)
	}
	t := tabwriter.NewWriter(c.out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "PID\tPROGRAM\tLOOP\tTASKS\tREADY\tTIMERS\tDESCRIPTORS\tSTATE")
	for _, p := range pictures {
		for _, l := range p.Loops {
			state := "answers"
			if l.Busy != nil {
				state = "stands still for " + short(l.Busy.Since) + " at " + l.Busy.At
			}
			var s aio.Snapshot
			if l.Snapshot != nil {
				s = *l.Snapshot
			}
			fmt.Fprintf(t, "%d\t%s\t%d\t%d\t%d\t%d\t%d\t%s\n", p.PID, p.Program, l.Number, l.Live,
				s.Ready, s.Timers, s.Descriptors, state)
		}
	}
	return t.Flush()
}

func (c *command) tree(ctx context.Context) error {
	p, err := c.picture(ctx, monitor.Question{Stacks: c.stacks})
	if err != nil {
		return err
	}
	if c.json {
		return c.writeJSON(p)
	}
	still := c.stills(p)
	for _, l := range p.Loops {
		if len(p.Loops) > 1 {
			fmt.Fprintf(c.out, "loop %d\n", l.Number)
		}
		if l.Snapshot != nil {
			if err := l.Snapshot.WriteTree(c.out); err != nil {
				return err
			}
		}
	}
	return still
}

// locks lists what tasks wait for.
func (c *command) locks(ctx context.Context) error {
	p, err := c.picture(ctx, monitor.Question{})
	if err != nil {
		return err
	}
	type row struct {
		Loop uint64 `json:"loop"`
		aio.WaitInfo
	}
	rows := []row{}
	for _, l := range p.Loops {
		if l.Snapshot != nil {
			for _, w := range l.Snapshot.Waits {
				rows = append(rows, row{l.Number, w})
			}
		}
	}
	if c.n > 0 {
		rows = rows[:min(c.n, len(rows))]
	}
	if c.json {
		return c.writeJSON(rows)
	}
	still := c.stills(p)
	t := tabwriter.NewWriter(c.out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "LOOP\tWAITERS\tLONGEST\tIN\tON")
	for _, r := range rows {
		fmt.Fprintf(t, "%d\t%d\t%s\t%s\t%s\n", r.Loop, r.Waiters, short(r.Longest), r.Op, r.On)
	}
	t.Flush()
	return still
}

// find returns the loop and the task that text names.
func find(p monitor.Picture, text string) (monitor.Loop, aio.TaskInfo, error) {
	name, loop := text, uint64(0)
	if before, after, ok := strings.Cut(text, "/"); ok {
		if n, err := strconv.ParseUint(before, 10, 64); err == nil {
			loop, name = n, after
		}
	}
	id, err := strconv.ParseUint(strings.TrimPrefix(name, "#"), 10, 32)
	numbered := err == nil
	type place struct {
		loop monitor.Loop
		task aio.TaskInfo
	}
	var found []place
	for _, l := range p.Loops {
		if l.Snapshot == nil || loop != 0 && l.Number != loop {
			continue
		}
		for _, i := range l.Snapshot.Tasks {
			if numbered && i.ID == uint32(id) || !numbered && i.Name == name {
				found = append(found, place{l, i})
			}
		}
	}
	switch len(found) {
	case 1:
		return found[0].loop, found[0].task, nil
	case 0:
		return monitor.Loop{}, aio.TaskInfo{}, &problem{missing,
			fmt.Sprintf("process %d has no task %s", p.PID, text)}
	}
	var all []string
	for _, f := range found[:min(len(found), 5)] {
		all = append(all, fmt.Sprintf("%d/%d", f.loop.Number, f.task.ID))
	}
	return monitor.Loop{}, aio.TaskInfo{}, &problem{misused,
		fmt.Sprintf("%d tasks are called %s: give the number, such as %s", len(found), text,
			strings.Join(all, ", "))}
}

func (c *command) why(ctx context.Context) error {
	p, err := c.picture(ctx, monitor.Question{Stacks: true})
	if err != nil {
		return err
	}
	var chain aio.Chain
	others := 0
	if len(c.args) > 1 {
		var l monitor.Loop
		var i aio.TaskInfo
		if l, i, err = find(p, c.args[1]); err == nil {
			chain = l.Snapshot.Why(i.ID)
		}
	} else {
		chain, others, err = longestChain(p)
	}
	if err != nil {
		if still := c.stills(p); still != nil {
			return still
		}
		return err
	}
	if c.json {
		return c.writeJSON(chain)
	}
	still := c.stills(p)
	fmt.Fprint(c.out, chain)
	if others > 0 {
		fmt.Fprintf(c.out, "%d more wait for other tasks; "+
			"aio ps lists them, aio why PID TASK explains\n", others)
	}
	return still
}

// longestChain returns, of all chains of tasks that wait for each other, a cycle, or else one whose
// end holds something and has ended, or else the one of the most tasks. It also returns how many
// further tasks wait for others.
func longestChain(p monitor.Picture) (best aio.Chain, others int, err error) {
	type start struct {
		loop monitor.Loop
		task aio.TaskInfo
	}
	var starts []start
	for _, l := range p.Loops {
		if l.Snapshot == nil {
			continue
		}
		for _, i := range l.Snapshot.Tasks {
			if len(i.WaitsFor) > 0 {
				starts = append(starts, start{l, i})
			}
		}
	}
	if len(starts) == 0 {
		return best, 0, &problem{missing,
			fmt.Sprintf("no task of process %d waits for another; aio ps lists them all", p.PID)}
	}
	slices.SortStableFunc(starts, func(a, b start) int {
		return cmp.Compare(b.task.Waited, a.task.Waited)
	})
	const most = 200 // those that have waited longest: each takes a walk
	rank := -1
	for _, s := range starts[:min(most, len(starts))] {
		chain := s.loop.Snapshot.Why(s.task.ID)
		r := len(chain.Tasks)
		switch {
		case chain.Back >= 0:
			r += 2 << 32
		case len(chain.Culprit().WaitsFor) > 0:
			r += 1 << 32
		}
		if r > rank {
			best, rank = chain, r
		}
	}
	for _, s := range starts {
		here := func(i aio.TaskInfo) bool { return i.ID == s.task.ID }
		if !slices.ContainsFunc(best.Tasks, here) {
			others++
		}
	}
	return best, others, nil
}

func (c *command) dump(ctx context.Context) error {
	p, err := c.picture(ctx, monitor.Question{Stacks: true})
	if err != nil {
		return err
	}
	return c.writeJSON(p)
}

func (c *command) cancel(ctx context.Context) error {
	client, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	p, err := c.ask(ctx, client, monitor.Question{})
	if err != nil {
		return err
	}
	l, i, err := find(p, c.args[1])
	if err != nil {
		return err
	}
	if err := client.Cancel(ctx, l.Number, i.ID, c.reason); err != nil {
		return err
	}
	if c.json {
		return c.writeJSON(map[string]any{"loop": l.Number, "task": i.ID, "name": i.Name})
	}
	fmt.Fprintf(c.out, "cancelled task %d, %s, of loop %d\n", i.ID, i.Name, l.Number)
	return nil
}

func (c *command) completion(context.Context) error {
	if c.args[0] != "bash" {
		return &problem{misused, "the script is for bash; zsh takes it after bashcompinit"}
	}
	_, err := io.WriteString(c.out, `_aio() {
  local word=${COMP_WORDS[COMP_CWORD]}
  if [ "$COMP_CWORD" = 1 ]; then
    COMPREPLY=($(compgen -W "ps tree why locks dump cancel record top web jobs repl completion help" -- "$word"))
  elif [ "$COMP_CWORD" = 2 ]; then
    COMPREPLY=($(compgen -W "$(aio ps 2>/dev/null | awk 'NR>1 {print $1}' | sort -u)" -- "$word"))
  elif [ "$COMP_CWORD" = 3 ]; then
    COMPREPLY=($(compgen -W "$(aio ps "${COMP_WORDS[2]}" 2>/dev/null | awk 'NR>1 {print $1"/"$2}')" -- "$word"))
  fi
}
complete -F _aio aio
`)
	return err
}

// short shows a duration as people read it.
func short(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

// cut shortens s to n characters.
func cut(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}
