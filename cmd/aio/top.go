package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/aio-go/aio/monitor"
)

// top shows the tasks again and again, until q. Without a terminal it shows them once.
func (c *command) top(ctx context.Context) error {
	client, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	p, err := c.ask(ctx, client, monitor.Question{Stacks: true})
	if err != nil {
		return err
	}
	if !isTerminal(c.out) || c.json {
		if c.json {
			return c.writeJSON(p)
		}
		return c.table(p)
	}
	m := &screen{command: c, ctx: ctx, client: client, picture: p, order: c.sort,
		width: 80, height: 24}
	end, err := tea.NewProgram(m, tea.WithContext(ctx), tea.WithAltScreen(),
		tea.WithOutput(c.out)).Run()
	if ctx.Err() != nil {
		return nil
	}
	if err == nil {
		err = end.(*screen).fatal
	}
	return err
}

// screen is the state of top.
//
//	mode    shows                       left by
//	list    the tasks                   enter: detail; /: filter
//	filter  the list and a line to edit enter, esc: list
//	detail  a task and its chain        esc: list; c: ask
//	ask     the question to cancel      y, any other key: detail
type screen struct {
	command *command
	ctx     context.Context
	client  *monitor.Client
	picture monitor.Picture
	before  monitor.Picture // one tick ago, for rates
	fatal   error

	mode   mode
	order  string
	filter string
	cursor int
	chosen task
	note   string   // the outcome of a cancellation
	past   []string // of the chosen task
	asking bool     // a request is under way: the client takes one at a time

	width, height int
}

type mode int

const (
	listing mode = iota
	filtering
	detailing
	confirming
)

type (
	tick   struct{}
	answer struct {
		picture monitor.Picture
		past    []string
		err     error
	}
	cancelled struct{ err error }
)

const period = time.Second

func later() tea.Cmd { return tea.Tick(period, func(time.Time) tea.Msg { return tick{} }) }

func (s *screen) Init() tea.Cmd { return later() }

func (s *screen) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		s.width, s.height = msg.Width, msg.Height
	case tick:
		if s.asking {
			return s, later()
		}
		s.asking = true
		detailed, chosen := s.mode == detailing || s.mode == confirming, s.chosen
		return s, func() tea.Msg {
			p, err := s.command.ask(s.ctx, s.client, monitor.Question{Stacks: true})
			if err != nil || !detailed {
				return answer{p, nil, err}
			}
			return answer{p, history(s.ctx, s.client, chosen), nil}
		}
	case answer:
		s.asking = false
		if msg.err != nil {
			s.fatal = fmt.Errorf("process %d: %w", s.picture.PID, msg.err)
			return s, tea.Quit
		}
		s.before, s.picture, s.past = s.picture, msg.picture, msg.past
		return s, later()
	case cancelled:
		s.asking = false
		s.note = "cancelled " + s.chosen.Name
		if msg.err != nil {
			s.note = msg.err.Error()
		}
	case tea.KeyMsg:
		if msg.Type != tea.KeyRunes {
			return s.key(msg)
		}
		var all []tea.Cmd
		for _, r := range msg.Runes { // keys that come quickly come together
			_, cmd := s.key(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}, Alt: msg.Alt})
			all = append(all, cmd)
		}
		return s, tea.Batch(all...)
	}
	return s, nil
}

func (s *screen) key(k tea.KeyMsg) (tea.Model, tea.Cmd) {
	if k.String() == "ctrl+c" {
		return s, tea.Quit
	}
	switch s.mode {
	case filtering:
		switch k.Type {
		case tea.KeyEnter, tea.KeyEsc:
			s.mode = listing
		case tea.KeyBackspace:
			if r := []rune(s.filter); len(r) > 0 {
				s.filter = string(r[:len(r)-1])
			}
		case tea.KeyRunes, tea.KeySpace:
			s.filter += string(k.Runes)
		}
		s.cursor = 0
		return s, nil
	case confirming:
		s.mode = detailing
		if k.String() != "y" || s.asking {
			return s, nil
		}
		s.asking = true
		t := s.chosen
		return s, func() tea.Msg {
			return cancelled{s.client.Cancel(s.ctx, t.loop, t.ID, s.command.reason)}
		}
	}
	rows := s.rows()
	switch k.String() {
	case "q":
		return s, tea.Quit
	case "esc", "backspace":
		s.mode, s.note = listing, ""
	case "up", "k":
		s.cursor--
	case "down", "j":
		s.cursor++
	case "pgup":
		s.cursor -= s.height - 6
	case "pgdown":
		s.cursor += s.height - 6
	case "s":
		names := []string{"held", "waited", "age", "name"}
		s.order = names[(slices.Index(names, s.order)+1)%len(names)]
		s.cursor = 0
	case "/":
		s.mode = filtering
	case "enter":
		if s.mode == listing && len(rows) > 0 {
			s.chosen, s.mode, s.past = rows[s.cursor], detailing, nil
		}
	case "c":
		if s.mode == detailing {
			s.mode = confirming
		}
	}
	s.cursor = max(0, min(s.cursor, len(rows)-1))
	return s, nil
}

// rows returns the tasks that the filter leaves, in order.
func (s *screen) rows() []task {
	word := strings.ToLower(s.filter)
	return slices.DeleteFunc(tasksOf(s.picture, s.order), func(t task) bool {
		return word != "" && !strings.Contains(strings.ToLower(strings.Join([]string{
			t.Name, t.State, t.Op, t.On, t.At, t.Site}, " ")), word)
	})
}

func (s *screen) View() string {
	var b strings.Builder
	line := func(text string) { b.WriteString(cut(text, s.width) + "\n") }
	line(fmt.Sprintf("%s, process %d%s", s.picture.Program, s.picture.PID, s.rates()))
	for _, l := range s.picture.Loops {
		if l.Busy != nil {
			line(fmt.Sprintf("loop %d has not answered for %s: %s at %s", l.Number,
				short(l.Busy.Since), cmp.Or(l.Busy.Name, "a callback"), l.Busy.At))
		}
	}
	if s.mode == detailing || s.mode == confirming {
		s.detail(line)
		return b.String()
	}
	rows := s.rows()
	s.cursor = max(0, min(s.cursor, len(rows)-1))
	line(fmt.Sprintf("%d tasks by %s; s sorts, / filters, enter looks into one, q quits", len(rows),
		s.order))
	if s.filter != "" || s.mode == filtering {
		line("filter: " + s.filter)
	}
	line(fmt.Sprintf("  %-8s %-22s %-8s %8s %6s  %s", "ID", "NAME", "STATE", "WAITED", "HOLDS",
		"IN, ON, AT"))
	room := max(1, s.height-6-len(s.picture.Loops))
	first := max(0, min(s.cursor-room/2, len(rows)-room))
	for n, t := range rows[first:min(len(rows), first+room)] {
		mark := "  "
		if first+n == s.cursor {
			mark = "> "
		}
		id := fmt.Sprintf("%d/%d", t.loop, t.ID)
		line(fmt.Sprintf("%s%-8s %-22s %-8s %8s %6d  %s %s %s", mark, id, cut(t.Name, 22), t.State,
			short(t.Waited), t.held, t.Op, cut(t.On, 40), cmp.Or(t.At, t.Site)))
	}
	return b.String()
}

// detail shows the task that was chosen, and why it waits.
func (s *screen) detail(line func(string)) {
	line("esc goes back, c cancels the task")
	if s.note != "" {
		line(s.note)
	}
	if s.mode == confirming {
		line("Cancel " + s.chosen.Name + "? y cancels it, any other key does not")
	}
	for _, l := range s.picture.Loops {
		if l.Number != s.chosen.loop || l.Snapshot == nil {
			continue
		}
		chain := l.Snapshot.Why(s.chosen.ID)
		for text := range strings.Lines(chain.String()) {
			line(strings.TrimRight(text, "\n"))
		}
		if len(s.past) > 0 {
			line("what it did last:")
			for _, text := range s.past {
				line("  " + text)
			}
		}
		if len(chain.Tasks) > 0 {
			line("its stack:")
			for _, frame := range chain.Tasks[0].Stack {
				line("    " + frame)
			}
		}
	}
}

// maxPast is how many lines of a task's history are shown.
const maxPast = 6

// history returns what a task did last, the latest first. Without a recorder it is empty.
func history(ctx context.Context, client *monitor.Client, t task) []string {
	all, err := client.Record(ctx, monitor.RecordQuestion{Loop: t.loop, Task: t.ID, Last: maxPast})
	if err != nil || len(all) == 0 {
		return nil
	}
	var b strings.Builder
	_ = all[0].WriteText(&b) // a Builder takes all
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")[1:]
	slices.Reverse(lines)
	return lines
}

// rates says how many steps a second the loops make.
func (s *screen) rates() string {
	d := s.picture.Time.Sub(s.before.Time).Seconds()
	if s.before.Time.IsZero() || d <= 0 {
		return ""
	}
	steps := func(p monitor.Picture) (n uint64) {
		for _, l := range p.Loops {
			if l.Snapshot != nil {
				n += l.Snapshot.Counters.Steps
			}
		}
		return n
	}
	made := float64(steps(s.picture)) - float64(steps(s.before))
	return fmt.Sprintf(", %.0f steps a second", max(0, made)/d)
}
