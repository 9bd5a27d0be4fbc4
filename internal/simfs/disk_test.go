package simfs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"
)

// fate is a Weather that a test sets.
type fate struct {
	before func(op, name string)
	room   int // bytes until the disk is full; negative: it never is
	loss   func(name string, sizes []int) (kept, bytes int)
}

func (f *fate) Before(op, name string) {
	if f.before != nil {
		f.before(op, name)
	}
}

func (f *fate) Write(_ string, n int) int {
	if f.room < 0 {
		return n
	}
	n = min(n, f.room)
	f.room -= n
	return n
}

func (f *fate) Loss(name string, sizes []int) (kept, bytes int) {
	if f.loss == nil {
		return len(sizes), 0
	}
	return f.loss(name, sizes)
}

// losesAll keeps nothing that was not synced.
func losesAll() *fate {
	return &fate{room: -1, loss: func(string, []int) (int, int) { return 0, 0 }}
}

func newDisk(w Weather) *Disk {
	d := New(func() time.Time { return time.Unix(0, 0) })
	d.Weather = w
	return d
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func (d *Disk) create(name string) *File {
	return must(d.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600))
}

func (d *Disk) content(name string) string {
	f, err := d.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return "<" + errors.Unwrap(err).Error() + ">"
	}
	defer f.Close()
	return string(must(io.ReadAll(f)))
}

// A crash leaves what was synced, and any number of the writes behind it, in their order.
func TestACrashKeepsTheFirstWritesBehindTheLastSync(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		w := &fate{room: -1}
		d := newDisk(w)
		f := d.create("f")
		must(0, f.Sync()) // it has its name
		states := []string{""}
		now := []byte{}
		for range r.IntN(12) {
			switch at := r.IntN(6); r.IntN(5) {
			case 0:
				must(0, f.Sync())
				states = states[len(states)-1:]
				continue
			case 1:
				must(0, f.Truncate(int64(at)))
				now = append(now, make([]byte, 6)...)[:max(at, len(now))][:at]
			default:
				p := bytes.Repeat([]byte{byte('a' + r.IntN(26))}, 1+r.IntN(3))
				must(f.WriteAt(p, int64(at)))
				if end := at + len(p); end > len(now) {
					now = append(now, make([]byte, end-len(now))...)
				}
				copy(now[at:], p)
			}
			states = append(states, string(now))
		}
		if got := d.content("f"); got != string(now) {
			t.Fatalf("before the crash it is %q, want %q", got, now)
		}
		keep := r.IntN(len(states))
		w.loss = func(_ string, sizes []int) (int, int) {
			if len(sizes) != len(states)-1 {
				t.Errorf("there are %d writes, want %d", len(sizes), len(states)-1)
			}
			return keep, 0
		}
		d.Crash()
		if got := d.content("f"); got != states[keep] {
			t.Fatalf("after the crash it is %q, want %q of %q", got, states[keep], states)
		}
		w.loss = losesAll().loss
		d.Crash()
		if got := d.content("f"); got != states[keep] {
			t.Fatalf("after the second crash it is %q, want %q", got, states[keep])
		}
	}
}

func TestATornWriteLeavesItsBeginning(t *testing.T) {
	w := &fate{room: -1, loss: func(_ string, sizes []int) (int, int) { return len(sizes) - 1, 2 }}
	d := newDisk(w)
	f := d.create("f")
	must(0, f.Sync())
	must(f.WriteString("one;"))
	must(f.WriteString("two;"))
	d.Crash()
	if got := d.content("f"); got != "one;tw" {
		t.Errorf("it is %q", got)
	}
}

func TestANameThatWasNotSyncedIsLost(t *testing.T) {
	d := newDisk(losesAll())
	must(d.create("new").WriteString("x"))
	d.Crash()
	if got := d.content("new"); got != "<"+errMissing.Error()+">" {
		t.Errorf("a file without a sync is %q", got)
	}

	f := d.create("a")
	must(f.WriteString("old"))
	must(0, f.Sync())
	must(0, d.Rename("a", "b"))
	if got := d.content("b"); got != "old" {
		t.Errorf("the renamed file is %q", got)
	}
	d.Crash()
	if a, b := d.content("a"), d.content("b"); a != "old" || b != "<"+errMissing.Error()+">" {
		t.Errorf("after the crash a is %q and b is %q", a, b)
	}
	must(0, d.Rename("a", "b"))
	must(0, d.SyncDir("/"))
	d.Crash()
	if a, b := d.content("a"), d.content("b"); b != "old" || a != "<"+errMissing.Error()+">" {
		t.Errorf("after a sync of the folder a is %q and b is %q", a, b)
	}
	must(0, d.Remove("b"))
	d.Crash()
	if got := d.content("b"); got != "old" {
		t.Errorf("a removal that was not synced leaves %q", got)
	}
}

// A rename is two changes of names, which are lost together.
func TestHalfARenameIsNone(t *testing.T) {
	w := &fate{room: -1, loss: func(name string, sizes []int) (int, int) { return 1, 0 }}
	d := newDisk(w)
	must(0, d.create("a").Sync())
	must(0, d.Rename("a", "b"))
	d.Crash()
	if _, err := d.Stat("a"); err != nil {
		t.Errorf("a is gone: %v", err)
	}
	if _, err := d.Stat("b"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("b is there: %v", err)
	}
}

func TestAFullDiskTakesWhatFits(t *testing.T) {
	d := newDisk(&fate{room: 5})
	f := d.create("f")
	for _, want := range []int{3, 2, 0} {
		if n, err := f.WriteString("abc"); n != want || (n < 3) != errors.Is(err, errFull) {
			t.Errorf("it takes %d bytes, %v, want %d", n, err, want)
		}
	}
	if got := d.content("f"); got != "abcab" {
		t.Errorf("it is %q", got)
	}
}

func TestAFileOfAnEarlierLifeIsLost(t *testing.T) {
	w := &fate{room: -1}
	d := newDisk(w)
	f := d.create("f")
	d.Crash()
	for op, err := range map[string]error{
		"read": second(f.Read(make([]byte, 1))), "write": second(f.Write([]byte("x"))),
		"sync": f.Sync(), "truncate": f.Truncate(0), "seek": second(f.Seek(0, 0)),
		"stat": second(f.Stat()),
	} {
		if !errors.Is(err, ErrLost) {
			t.Errorf("%s: %v", op, err)
		}
	}
	f = d.create("f")
	w.before = func(op, _ string) {
		if op == "write" {
			d.Crash()
		}
	}
	if _, err := f.Write([]byte("x")); !errors.Is(err, ErrLost) {
		t.Errorf("a crash before the write: %v", err)
	}
	if got := d.content("f"); got != "" {
		t.Errorf("it was written: %q", got)
	}
}

func second[T any](_ T, err error) error { return err }

func TestFlagsAreThoseOfTheSystem(t *testing.T) {
	d := newDisk(nil)
	f := must(d.OpenFile("dir/f", os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o640))
	must(f.WriteString("one "))
	must(f.Seek(0, io.SeekStart))
	must(f.WriteString("two"))
	if got := d.content("/dir/../dir/f"); got != "one two" {
		t.Errorf("appended: %q", got)
	}
	for name, x := range map[string]struct{ got, want error }{
		"read of a writer":   {second(f.Read(make([]byte, 1))), errBadFile},
		"there already":      {second(d.OpenFile("dir/f", os.O_CREATE|os.O_EXCL, 0)), errExists},
		"missing":            {second(d.OpenFile("g", os.O_RDWR, 0)), errMissing},
		"a folder":           {second(d.OpenFile("dir", os.O_RDWR, 0)), errIsFolder},
		"before the start":   {second(f.Seek(-1, io.SeekStart)), errInvalid},
		"remove the missing": {d.Remove("g"), errMissing},
		"rename the missing": {d.Rename("g", "h"), errMissing},
		"write of a reader": {
			second(must(d.OpenFile("dir/f", os.O_RDONLY, 0)).Write([]byte("x"))), errBadFile,
		},
	} {
		if !errors.Is(x.got, x.want) {
			t.Errorf("%s: %v, want %v", name, x.got, x.want)
		}
	}
	must(d.OpenFile("dir/f", os.O_RDWR|os.O_TRUNC, 0))
	if got := d.content("dir/f"); got != "" {
		t.Errorf("truncated: %q", got)
	}
	if err := errors.Join(f.Close(), second(f.Write(nil))); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
	for i := range 3 {
		d.create(fmt.Sprint("dir/sub/", i))
	}
	must(0, d.RemoveAll("dir"))
	if _, err := d.Stat("dir"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder is there: %v", err)
	}
	names := []string{d.TempName("", "a*b"), d.TempName("", "a*b"), d.TempName("x", "c")}
	if want := []string{"/tmp/a1b", "/tmp/a2b", "x/c3"}; !slices.Equal(names, want) {
		t.Errorf("temporary names are %q, want %q", names, want)
	}
}
