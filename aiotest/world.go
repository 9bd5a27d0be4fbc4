package aiotest

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/simfs"
	"github.com/aio-go/aio/internal/simnet"
	"github.com/aio-go/aio/internal/simproc"
	"github.com/aio-go/aio/internal/wallclock"
)

// World is a simulated network of hosts, for a program that is left as it is: with the context of a
// [Host] packages transport, stream and aiohttp, and what is built on them, connect, listen and
// look up names in the world. Names are those of the hosts. Links have latency, jitter and a
// bandwidth. Package aiofile uses the disk of the host, which is empty at first: folders need not
// be made, and there is no Walk. Nothing takes real time.
//
// What goes wrong is for the test to say. Its methods cut hosts off and let them crash. Beyond that
// [Explore] lets faults happen anywhere within the limits of [Faults]. A fault is a choice as the
// next step is: it is in the story and in the token, and shrinking drops it if the failure does not
// need it.
//
// All hosts are tasks of one loop. Its methods are for the loop only.
type World struct {
	run    *run
	loop   *aio.Loop
	ctx    context.Context // of the function under test
	net    *simnet.Net
	faults Faults
	link   Link
	links  map[[2]string]Link
	hosts  []*Host
	used   [lastFault]int // faults so far
	menu   menu           // memory of newMenu
	calm   bool           // nothing can go wrong by itself
	ended  bool
}

// Link says how good the way between two hosts is. The zero value is perfect.
type Link struct {
	Latency   time.Duration // that everything takes
	Jitter    time.Duration // that it may take longer; Explore chooses when, and how much of it
	Bandwidth int           // bytes a second; 0 means no limit
}

// ErrCrashed is the cause of the cancellation with which the tasks of a host end that crashes.
var ErrCrashed = errors.New("aiotest: the host has crashed")

// NewWorld makes a world for one run of the function of [Run] or [Explore]. It ends with the
// function, and with it the programs of its hosts. Under Run no faults happen by themselves.
func NewWorld(ctx context.Context, t *T, faults Faults) *World {
	if t == nil {
		panic("aiotest: NewWorld: the T is nil; pass the one of the function")
	}
	w := &World{
		run: t.run, loop: aio.RunningLoop(ctx), ctx: ctx, net: simnet.New(), faults: faults,
		links: map[[2]string]Link{},
	}
	w.calm = faults == Faults{}
	w.net.Weather = weather{w}
	t.run.worlds = append(t.run.worlds, w)
	return w
}

// Host returns the host of that name, which the first call adds. Its address is 10.0.0.1 for the
// first one, and so on. It panics if the name is empty, localhost, or an address.
func (w *World) Host(name string) *Host {
	for _, h := range w.hosts {
		if h.name == name {
			return h
		}
	}
	if _, err := netip.ParseAddr(name); err == nil || name == "" || name == "localhost" {
		panic(fmt.Sprintf("aiotest: World.Host: %q cannot be the name of a host; "+
			"take one such as db", name))
	}
	n := len(w.hosts) + 1
	h := &Host{w: w, name: name, clock: hostClock{since: w.loop.Time()}}
	h.net = w.net.AddHost(name, netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)}))
	h.disk = simfs.New(w.loop.Time)
	h.disk.Weather = diskWeather{h}
	w.hosts = append(w.hosts, h)
	return h
}

// Hosts returns the hosts in the order they were added.
func (w *World) Hosts() []*Host { return slices.Clone(w.hosts) }

// SetLink sets how good the ways between all hosts are, except those that [World.SetLinkBetween]
// has set.
func (w *World) SetLink(l Link) {
	l.check("World.SetLink")
	w.link, w.calm = l, w.calm && l.Jitter == 0
	w.net.Default = l.way()
}

// SetLinkBetween sets how good the way between two hosts is, in both directions.
func (w *World) SetLinkBetween(a, b *Host, l Link) {
	l.check("World.SetLinkBetween")
	w.calm = w.calm && l.Jitter == 0
	w.links[[2]string{a.name, b.name}] = l
	w.links[[2]string{b.name, a.name}] = l
	w.net.SetLink(a.net, b.net, l.way())
	w.net.SetLink(b.net, a.net, l.way())
}

func (l Link) check(op string) {
	if l.Latency < 0 || l.Jitter < 0 || l.Bandwidth < 0 {
		panic("aiotest: " + op + ": a number is negative; 0 is the perfect link")
	}
}

func (w *World) linkBetween(a, b *Host) Link {
	if l, ok := w.links[[2]string{a.name, b.name}]; ok {
		return l
	}
	return w.link
}

// way is the link as package simnet sees it; jitter is for Explore to choose.
func (l Link) way() simnet.Link {
	return simnet.Link{Latency: l.Latency, Bandwidth: l.Bandwidth}
}

// Cut keeps everything from getting from one host to another, until [World.Heal]. Connections keep
// what was sent, as TCP does, and are lost after some minutes of silence; datagrams are lost at
// once. The other direction stays open; a partition is two cuts. More calls need more of Heal.
func (w *World) Cut(from, to *Host) {
	w.tell(false, "nothing gets from %s to %s", from, to)
	w.net.Cut(from.net, to.net)
}

// Heal takes back one call of [World.Cut]. Without one it does nothing.
func (w *World) Heal(from, to *Host) {
	w.tell(false, "%s reaches %s again", from, to)
	w.net.Heal(from.net, to.net)
}

// Partition cuts the hosts given off from all others, in both directions, and returns what takes it
// back.
func (w *World) Partition(hosts ...*Host) (heal func()) {
	var cuts [][2]*Host
	for _, a := range hosts {
		for _, b := range w.hosts {
			if !slices.Contains(hosts, b) {
				cuts = append(cuts, [2]*Host{a, b}, [2]*Host{b, a})
			}
		}
	}
	var names []string
	for _, h := range hosts {
		names = append(names, h.name)
	}
	w.tell(false, "%s is cut off", strings.Join(names, ", "))
	for _, c := range cuts {
		w.net.Cut(c[0].net, c[1].net)
	}
	return func() {
		w.tell(false, "%s is no longer cut off", strings.Join(names, ", "))
		for _, c := range cuts {
			w.net.Heal(c[0].net, c[1].net)
		}
		cuts = nil
	}
}

// tell adds a line to the story. chosen marks a fault that Explore has chosen.
func (w *World) tell(chosen bool, format string, args ...any) {
	if st := w.run.story; st != nil && !w.ended {
		text := w.plainly(fmt.Sprintf(format, args...))
		st.world(chosen, text)
		e := event{at: w.loop.Time().Sub(epoch), text: text, mark: ' '}
		if chosen {
			e.mark = '>'
		}
		st.diagram.add(e)
	}
}

// address finds the addresses of hosts, with their ports.
var address = regexp.MustCompile(`\b10\.\d+\.\d+\.\d+(:\d+)?\b`)

// plainly puts the names of hosts in the place of addresses. "shop#2" is the end of the second
// connection that shop has opened, "store:7" that of one to port 7.
func (w *World) plainly(text string) string {
	return address.ReplaceAllStringFunc(text, func(found string) string {
		ip, port, _ := strings.Cut(found, ":")
		n, _ := strconv.Atoi(port)
		here := func(a netip.Addr) bool { return a.String() == ip }
		for _, h := range w.hosts {
			switch {
			case !slices.ContainsFunc(h.net.Addrs, here):
				continue
			case port == "":
				return h.name
			case n >= simnet.FirstFreePort:
				return fmt.Sprintf("%s#%d", h.name, n-simnet.FirstFreePort+1)
			}
			return h.name + ":" + port
		}
		return found
	})
}

// message adds a message between hosts.
func (s *story) message(from, to *Host, text string) {
	s.notes = append(s.notes, fmt.Sprintf("%s%s to %s: %s", messageLine, from, to, text))
	if s.open == "" {
		s.finish()
	}
}

// messageLine is how a line about a message begins.
const messageLine = "       "

// worldLine is how a line about a World begins.
const worldLine = "       world: "

// world adds what has happened in a World, behind the line of the step.
func (s *story) world(chosen bool, text string) {
	line := worldLine + text
	if chosen {
		line = ">" + line[1:]
	}
	s.notes = append(s.notes, line)
	if s.open == "" {
		s.finish()
	}
}

// endWorlds ends the programs of all hosts: the function has returned.
func (r *run) endWorlds() {
	for _, w := range r.worlds {
		if w.ended {
			continue
		}
		w.ended = true
		for _, h := range w.hosts {
			h.crash()
		}
	}
}

// Host is a machine of a [World].
type Host struct {
	w       *World
	name    string
	net     *simnet.Host
	disk    *simfs.Disk
	clock   hostClock
	scripts map[string]func(ctx context.Context, c *Child) int
	pids    int // of its children so far
	program func(ctx context.Context) error
	life    *life // of the program; nil: none runs
	restart *aio.Timer
}

// life is the time from a boot of a host to its crash. Tasks have it in their context.
type life struct{ of *Host }

type lifeKey struct{}

// onHost is the key of the host of a context, for stories.
type onHost struct{}

// Name returns the name.
func (h *Host) Name() string { return h.name }

// String returns the name.
func (h *Host) String() string { return h.name }

// Context returns a context of a program on this host: what it does with a network, and with files
// of package aiofile, it does here, and [aio.Now] shows the clock of the host.
// The program that a crash ends is that of [Host.Boot]; another one keeps running, as if on a new
// machine.
func (h *Host) Context(ctx context.Context) context.Context {
	ctx = context.WithValue(ctx, onHost{}, h)
	ctx = simfs.WithDisk(simnet.WithHost(ctx, h.net), h.disk)
	ctx = simproc.WithLauncher(ctx, launcher{h})
	return wallclock.With(ctx, h.readClock)
}

// Boot runs program on the host, in a task with the name of the host, until the function under test
// has returned. After a crash the host is booted again, with the same function: keep what is to be
// lost with the memory in variables of the program, and not around it. An error that is not that of
// a crash fails the run. Boot panics if the host has a program.
func (h *Host) Boot(program func(ctx context.Context) error) {
	switch {
	case program == nil:
		panic("aiotest: Host.Boot: the program is nil; pass a function")
	case h.program != nil:
		panic("aiotest: Host.Boot: the host has a program; start tasks in it, or add a host")
	}
	h.program = program
	h.start()
}

func (h *Host) start() {
	now := &life{h}
	h.life = now
	ctx := context.WithValue(h.Context(h.w.ctx), lifeKey{}, now)
	aio.Start(ctx, func(ctx context.Context) error {
		if err := h.program(ctx); err != nil && h.life == now {
			h.w.run.fail(problemError, "host "+h.name+": "+err.Error())
		}
		return nil
	}, aio.Name(h.name))
}

// Crash ends the host as a loss of power does: its tasks are cancelled, its connections and
// listeners are gone without a word to anybody. Its files stay; what was not synced may be lost, as
// [Faults] says. What its tasks do on their way out reaches nobody, and no file.
func (h *Host) Crash() {
	if h.net.Down() {
		return
	}
	h.w.tell(false, "%s crashes", h)
	h.crash()
}

// crash cancels the tasks first, so that they see nothing of what is gone.
func (h *Host) crash() {
	if h.restart != nil {
		h.restart.Stop()
	}
	if now := h.life; now != nil {
		h.life = nil
		for _, t := range h.w.loop.AllTasks() {
			if t.Value(lifeKey{}) == now {
				t.Cancel(ErrCrashed)
			}
		}
	}
	h.net.Crash()
	h.disk.Crash()
}

// Restart boots a host that has crashed. Otherwise it does nothing.
func (h *Host) Restart() {
	if !h.net.Down() || h.w.ended {
		return
	}
	h.w.tell(false, "%s is booted again", h)
	h.net.Restart()
	if h.program != nil {
		h.start()
	}
}

// restartAfter restarts the host when it has been down for d.
func (h *Host) restartAfter(d time.Duration) {
	if h.restart == nil {
		h.restart = h.w.loop.NewTimer(h.Restart)
	}
	h.restart.Start(d)
}

// Down reports whether the host has crashed and was not restarted.
func (h *Host) Down() bool { return h.net.Down() }
