package aiotest

import (
	"fmt"
	"net"
	"time"

	"github.com/aio-go/aio/internal/simnet"
)

// Faults says what may go wrong in a [World], and how often at most in a run. The zero value:
// nothing. [Explore] chooses whether, when and where.
type Faults struct {
	// Of connections.
	Resets      int // one is reset, after any of its bytes
	HalfOpen    int // one falls silent for good, and neither end is told
	SlowReaders int // nothing is read from one for the time of an Outage
	// Of the ways between hosts.
	// Two hosts do not reach each other for the time of an Outage, or one reaches none of the hosts
	// with a program.
	Partitions int
	OneWay     int // a host does not reach another one, which reaches it
	// Of datagrams.
	Lost       int
	Duplicated int
	Late       int // later ones overtake it
	// Of names and machines.
	Lookups int // a name cannot be resolved
	Crashes int // a host with a program crashes, and is booted again after the time of an Outage
	// Of files, if a host crashes: what was written since the last Sync.
	LostWrites int // the last writes to a file, or changes of names, are lost
	TornWrites int // of the last write to a file a part is there
	FullDisks  int // a write fails, or writes a half only, because the disk is full
	// Of clocks: that of a host which reads it with aio.Now is set, ahead or behind by the length
	// of an Outage, and stays so.
	Clocks int
	// Outage is how long a fault lasts that ends: all of it, a tenth, or a hundredth.
	// Default: 10 s.
	Outage time.Duration
}

// faultKind is a kind of fault. Tokens have its number.
type faultKind uint8

const (
	noFault faultKind = iota
	faultReset
	faultHalfOpen
	faultSlow
	faultPartition
	faultOneWay
	faultLost
	faultTwice
	faultLate
	faultLookup
	faultCrash // of the host that does something
	faultCrashOther
	faultJitter
	faultLostWrites
	faultTornWrite
	faultFullDisk
	faultClock
	lastFault
)

const (
	outages   = 3  // lengths of an outage
	jitters   = 3  // lengths of a delay by jitter
	cutsAtOne = 64 // places at which one piece may be cut by a reset
)

// outage is the length of one.
func (w *World) outage(arg int) time.Duration {
	d := w.faults.Outage
	if d <= 0 {
		d = 10 * time.Second
	}
	for range arg {
		d /= 10
	}
	return d
}

// newMenu returns an empty menu. It is valid until something has been chosen from it.
func (w *World) newMenu() *menu {
	w.menu.reset()
	return &w.menu
}

// allow adds a kind of fault to a menu, if there may be more of it.
func (w *World) allow(m *menu, k faultKind, limit, args int) {
	if w.used[k] < limit {
		m.add(k, args)
	}
}

// choose decides what goes wrong at a place.
func (w *World) choose(place string, m *menu) fault {
	if w.run.decide == nil || w.ended {
		return fault{}
	}
	f := w.run.decide(placeOf(place), m)
	w.used[f.kind]++
	return f
}

// between adds what can go wrong on the way from one host to another.
func (w *World) between(m *menu, from, to *Host) {
	f := &w.faults
	w.allow(m, faultPartition, f.Partitions, 2*outages)
	w.allow(m, faultOneWay, f.OneWay, outages)
	crashes := w.used[faultCrash] + w.used[faultCrashOther]
	if crashes < f.Crashes {
		if from.program != nil {
			m.add(faultCrash, outages)
		}
		if to.program != nil {
			m.add(faultCrashOther, outages)
		}
	}
}

// happens lets a fault happen that between has added.
func (w *World) happens(f fault, from, to *Host) {
	switch d := w.outage(f.arg % outages); f.kind {
	case faultPartition:
		if f.arg < outages {
			w.tell(true, "%s and %s do not reach each other for %v", from, to, d)
			w.cutFor(d, [2]*Host{from, to}, [2]*Host{to, from})
			return
		}
		w.tell(true, "%s is cut off from all hosts with a program for %v", from, d)
		var ways [][2]*Host
		for _, h := range w.hosts {
			if h != from && h.program != nil {
				ways = append(ways, [2]*Host{from, h}, [2]*Host{h, from})
			}
		}
		w.cutFor(d, ways...)
	case faultOneWay:
		w.tell(true, "nothing gets from %s to %s for %v", from, to, d)
		w.cutFor(d, [2]*Host{from, to})
	case faultCrash:
		w.crashFor(from, d)
	case faultCrashOther:
		w.crashFor(to, d)
	}
}

func (w *World) cutFor(d time.Duration, ways ...[2]*Host) {
	for _, x := range ways {
		w.net.Cut(x[0].net, x[1].net)
	}
	w.loop.NewTimer(func() {
		for _, x := range ways {
			w.net.Heal(x[0].net, x[1].net)
		}
	}).Start(d)
}

func (w *World) crashFor(h *Host, d time.Duration) {
	w.tell(true, "%s crashes", h)
	h.crash()
	h.restartAfter(d)
}

// diskWeather is a Host as package simfs sees it.
type diskWeather struct{ *Host }

// Before implements simfs.Weather.
func (h diskWeather) Before(op, name string) {
	w := h.w
	m := w.newMenu()
	if h.life != nil && w.used[faultCrash]+w.used[faultCrashOther] < w.faults.Crashes {
		m.add(faultCrash, outages)
	}
	if m.total == 0 {
		return
	}
	if f := w.choose("file "+h.name+" "+op, m); f.kind == faultCrash {
		w.tell(true, "%s crashes before the %s of %s", h.Host, op, name)
		h.crash()
		h.restartAfter(w.outage(f.arg))
	}
}

// Write implements simfs.Weather.
func (h diskWeather) Write(name string, n int) (taken int) {
	w := h.w
	m := w.newMenu()
	w.allow(m, faultFullDisk, w.faults.FullDisks, 2)
	if m.total == 0 {
		return n
	}
	if f := w.choose("disk "+h.name, m); f.kind == faultFullDisk {
		taken = f.arg * n / 2
		w.tell(true, "the disk of %s is full after %d of %d bytes of %s", h.Host, taken, n, name)
		return taken
	}
	return n
}

// Loss implements simfs.Weather.
func (h diskWeather) Loss(name string, sizes []int) (kept, bytes int) {
	w, n := h.w, len(sizes)
	m := w.newMenu()
	w.allow(m, faultLostWrites, w.faults.LostWrites, min(n, lossesAtOnce))
	torn := sizes[n-1] - 1 // each part of the last write
	if torn > 0 {
		w.allow(m, faultTornWrite, w.faults.TornWrites, min(torn, lossesAtOnce))
	}
	if m.total == 0 {
		return n, 0
	}
	f := w.choose("loss "+h.name+" "+name, m)
	what := "writes to " + name
	if name == "" {
		what = "changes of names"
	}
	switch f.kind {
	case faultLostWrites: // all of them, or all but the first one, and so on
		w.tell(true, "%s has lost the last %d %s", h.Host, n-f.arg, what)
		return f.arg, 0
	case faultTornWrite:
		bytes = f.arg + 1
		if torn > lossesAtOnce {
			bytes = 1 + f.arg*(torn-1)/(lossesAtOnce-1)
		}
		w.tell(true, "%s has %d of %d bytes of the last write to %s",
			h.Host, bytes, sizes[n-1], name)
		return n - 1, bytes
	}
	return n, 0
}

// lossesAtOnce is how many variants of a loss are told apart.
const lossesAtOnce = 64

// hostOf returns the Host of a simulated one.
func (w *World) hostOf(n *simnet.Host) *Host {
	for _, h := range w.hosts {
		if h.net == n {
			return h
		}
	}
	return nil
}

// weather is the World as package simnet sees it.
type weather struct{ *World }

// Send implements simnet.Weather.
func (w weather) Send(c *simnet.Conn, p []byte) simnet.Fate {
	if w.calm && w.run.story == nil {
		return simnet.Fate{}
	}
	from, to, n := w.hostOf(c.Host()), w.hostOf(c.Peer().Host()), len(p)
	w.sent(from, to, p)
	m, f := w.newMenu(), &w.faults
	cuts := min(n+1, cutsAtOne)
	w.allow(m, faultReset, f.Resets, cuts)
	w.allow(m, faultHalfOpen, f.HalfOpen, 1)
	w.allow(m, faultSlow, f.SlowReaders, outages)
	w.between(m, from, to)
	jitter := w.linkBetween(from, to).Jitter
	if jitter > 0 {
		m.add(faultJitter, jitters)
	}
	if m.total == 0 {
		return simnet.Fate{}
	}
	x := w.choose("send "+from.name+" "+to.name, m)
	if x.kind == noFault {
		return simnet.Fate{}
	}
	switch way := fmt.Sprintf("%s to %s (%v)", from, to, c.RemoteAddr()); x.kind {
	case faultReset:
		taken := x.arg
		if cuts > 1 && cuts < n+1 {
			taken = x.arg * n / (cuts - 1)
		}
		w.tell(true, "the connection from %s is reset after %d of the next %d bytes",
			way, taken, n)
		return simnet.Fate{Reset: true, Taken: taken}
	case faultHalfOpen:
		w.tell(true, "the connection from %s falls silent", way)
		c.Sink()
	case faultSlow:
		d := w.outage(x.arg)
		w.tell(true, "nothing is read for %v from the connection from %s", d, way)
		c.Stall(d)
	case faultJitter:
		d := jitter * time.Duration(x.arg+1) / jitters
		w.tell(true, "the next %d bytes from %s take %v longer", n, way, d)
		return simnet.Fate{Delay: d}
	default:
		w.happens(x, from, to)
	}
	return simnet.Fate{}
}

// Datagram implements simnet.Weather.
func (w weather) Datagram(a, b *simnet.Host, p []byte) []time.Duration {
	if w.calm && w.run.story == nil {
		return onTime
	}
	from, to, n := w.hostOf(a), w.hostOf(b), len(p)
	w.sent(from, to, p)
	m, f := w.newMenu(), &w.faults
	w.allow(m, faultLost, f.Lost, 1)
	w.allow(m, faultTwice, f.Duplicated, outages)
	w.allow(m, faultLate, f.Late, outages)
	w.between(m, from, to)
	jitter := w.linkBetween(from, to).Jitter
	if jitter > 0 {
		m.add(faultJitter, jitters)
	}
	if m.total == 0 {
		return onTime
	}
	x := w.choose("datagram "+from.name+" "+to.name, m)
	if x.kind == noFault {
		return onTime
	}
	switch what := fmt.Sprintf("a datagram of %d bytes from %s to %s", n, from, to); x.kind {
	case faultLost:
		w.tell(true, "%s is lost", what)
		return nil
	case faultTwice:
		d := w.outage(x.arg)
		w.tell(true, "%s arrives twice, the second time %v later", what, d)
		return []time.Duration{0, d}
	case faultLate:
		d := w.outage(x.arg)
		w.tell(true, "%s takes %v longer", what, d)
		return []time.Duration{d}
	case faultJitter:
		d := jitter * time.Duration(x.arg+1) / jitters
		w.tell(true, "%s takes %v longer", what, d)
		return []time.Duration{d}
	default:
		w.happens(x, from, to)
	}
	return onTime
}

var onTime = []time.Duration{0}

// Lookup implements simnet.Weather.
func (w weather) Lookup(a *simnet.Host, name string) error {
	m := w.newMenu()
	w.allow(m, faultLookup, w.faults.Lookups, 1)
	if m.total == 0 {
		return nil
	}
	from := w.hostOf(a)
	if w.choose("lookup "+from.name+" "+name, m).kind == faultLookup {
		w.tell(true, "%s cannot resolve %s", from, name)
		return &net.DNSError{
			Err: "server misbehaving", Name: name, IsTemporary: true, Server: "10.0.0.53:53",
		}
	}
	return nil
}
