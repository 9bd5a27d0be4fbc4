// Package simfs is a disk in memory that can lose what was not synced. Package aiofile uses it in
// place of the system's files if the context has one; package aiotest gives one to each host.
package simfs

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrLost is in the errors of what belongs to a host that has crashed: of its files, and in package
// simnet of its connections. Nobody is there any more to see them.
var ErrLost = errors.New("the host has crashed")

// Disk has files by their names. Folders need not be made: each is there as soon as a file in it
// has a name.
//
// What is written is seen at once, and is on the disk when it was synced. A crash may lose the
// rest, as the Weather says: of each file the last writes, and of the folders the last changes of
// names.
type Disk struct {
	Weather Weather          // nil: nothing goes wrong
	Now     func() time.Time // for the times of files

	names   map[string]*inode
	inodes  []*inode // those with writes that are not on the disk, in the order of the first
	changes []change // of names that are not on the disk
	life    int      // handles of an earlier one are lost
	temps   int
}

// Weather decides what happens to files.
type Weather interface {
	// Before is called before an operation, and may let the host crash.
	Before(op, name string)
	// Write returns how many of n bytes are written before the disk is full; n: it is not.
	Write(name string, n int) (taken int)
	// Loss says how many of the writes of a file that were not synced survive a crash, and how many
	// bytes of the one after them; of the changes of names if name is empty. sizes are those of the
	// writes.
	Loss(name string, sizes []int) (kept, bytes int)
}

// inode is a file.
type inode struct {
	name    string // the first one
	data    []byte
	synced  []byte  // what is on the disk
	writes  []write // since then
	mode    fs.FileMode
	changed time.Time
}

type write struct {
	at   int
	data []byte
	size int // of a change of the size, else -1
}

// change is one of the names: it is the file's from now on, or nobody's.
type change struct {
	name string
	was  *inode
	is   *inode
}

type diskKey struct{}

// WithDisk returns a context of a program with this disk.
func WithDisk(ctx context.Context, d *Disk) context.Context {
	return context.WithValue(ctx, diskKey{}, d)
}

// DiskFrom returns the disk of ctx, nil if files are the system's.
func DiskFrom(ctx context.Context) *Disk {
	d, _ := ctx.Value(diskKey{}).(*Disk)
	return d
}

// New returns an empty disk.
func New(now func() time.Time) *Disk { return &Disk{Now: now, names: map[string]*inode{}} }

func clean(name string) string { return path.Clean("/" + strings.ReplaceAll(name, "\\", "/")) }

func failure(op, name string, err error) error {
	return &fs.PathError{Op: op, Path: name, Err: err}
}

// begin lets the host crash before an operation, and reports whether it has.
func (d *Disk) begin(op, name string) error {
	life := d.life
	if d.Weather != nil {
		d.Weather.Before(op, name)
	}
	if d.life != life {
		return failure(op, name, ErrLost)
	}
	return nil
}

// OpenFile is os.OpenFile.
func (d *Disk) OpenFile(name string, flag int, perm fs.FileMode) (*File, error) {
	if err := d.begin("open", name); err != nil {
		return nil, err
	}
	at := clean(name)
	n := d.names[at]
	switch {
	case n == nil && d.isFolder(at):
		if flag&(os.O_WRONLY|os.O_RDWR|os.O_CREATE) != 0 {
			return nil, failure("open", name, errIsFolder)
		}
		return &File{d: d, life: d.life, name: name, folder: true, n: &inode{
			name: at, mode: fs.ModeDir | 0o777,
		}}, nil
	case n == nil && flag&os.O_CREATE == 0:
		return nil, failure("open", name, errMissing)
	case n != nil && flag&(os.O_CREATE|os.O_EXCL) == os.O_CREATE|os.O_EXCL:
		return nil, failure("open", name, errExists)
	case n == nil:
		n = &inode{name: at, mode: perm.Perm(), changed: d.Now()}
		d.rename(at, n)
	}
	f := &File{d: d, life: d.life, name: name, n: n, flag: flag}
	if flag&os.O_TRUNC != 0 && len(n.data) > 0 {
		d.note(n, write{size: 0})
	}
	return f, nil
}

func (d *Disk) isFolder(at string) bool {
	if at == "/" {
		return true
	}
	for name := range d.names {
		if strings.HasPrefix(name, at+"/") {
			return true
		}
	}
	return false
}

// rename gives a name to a file, or to none.
func (d *Disk) rename(name string, is *inode) {
	d.changes = append(d.changes, change{name, d.names[name], is})
	d.set(name, is)
}

func (d *Disk) set(name string, is *inode) {
	if is == nil {
		delete(d.names, name)
	} else {
		d.names[name] = is
	}
}

// note makes a write, which is not on the disk yet.
func (d *Disk) note(n *inode, w write) {
	if len(n.writes) == 0 {
		d.inodes = append(d.inodes, n)
	}
	n.writes = append(n.writes, w)
	n.data = w.onto(n.data)
	n.changed = d.Now()
}

// onto returns the content after the write.
func (w write) onto(data []byte) []byte {
	if w.data == nil {
		if w.size <= len(data) {
			return data[:w.size:w.size]
		}
		return append(data, make([]byte, w.size-len(data))...)
	}
	if end := w.at + len(w.data); end > len(data) {
		data = append(data, make([]byte, end-len(data))...)
	}
	copy(data[w.at:], w.data)
	return data
}

// sync puts a file on the disk, and the changes of names before it, as journals do.
func (d *Disk) sync(n *inode) {
	for _, w := range n.writes { // not all of the file: it may be a long log
		n.synced = w.onto(n.synced)
	}
	n.writes = n.writes[:0]
	d.inodes = slices.DeleteFunc(d.inodes, func(x *inode) bool { return x == n })
	for i, c := range d.changes { // up to that which has made the file
		if c.is == n {
			d.changes = slices.Clone(d.changes[i+1:])
			break
		}
	}
}

// SyncDir is fsync of a folder.
func (d *Disk) SyncDir(dir string) error {
	if err := d.begin("sync", dir); err != nil {
		return err
	}
	d.changes = nil
	return nil
}

// Rename is os.Rename.
func (d *Disk) Rename(from, to string) error {
	if err := d.begin("rename", from); err != nil {
		return err
	}
	a, b := clean(from), clean(to)
	n := d.names[a]
	if n == nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: errMissing}
	}
	// both at once: a journal keeps them together
	d.changes = append(d.changes, change{b, d.names[b], n}, change{a, n, nil})
	d.set(b, n)
	d.set(a, nil)
	return nil
}

// Remove is os.Remove.
func (d *Disk) Remove(name string) error {
	if err := d.begin("remove", name); err != nil {
		return err
	}
	at := clean(name)
	if d.names[at] == nil {
		return failure("remove", name, errMissing)
	}
	d.rename(at, nil)
	return nil
}

// RemoveAll is os.RemoveAll.
func (d *Disk) RemoveAll(dir string) error {
	if err := d.begin("remove", dir); err != nil {
		return err
	}
	at := clean(dir)
	var names []string
	for name := range d.names {
		if name == at || strings.HasPrefix(name, at+"/") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		d.rename(name, nil)
	}
	return nil
}

// Stat is os.Stat.
func (d *Disk) Stat(name string) (fs.FileInfo, error) {
	at := clean(name)
	if n := d.names[at]; n != nil {
		return info{n, path.Base(at), int64(len(n.data))}, nil
	}
	if d.isFolder(at) {
		return info{&inode{mode: fs.ModeDir | 0o777}, path.Base(at), 0}, nil
	}
	return nil, failure("stat", name, errMissing)
}

// TempName returns a name that nobody has.
func (d *Disk) TempName(dir, pattern string) string {
	if dir == "" {
		dir = "/tmp"
	}
	d.temps++
	before, after := pattern, ""
	if i := strings.LastIndexByte(pattern, '*'); i >= 0 {
		before, after = pattern[:i], pattern[i+1:]
	}
	return path.Join(dir, before+strconv.Itoa(d.temps)+after)
}

// Crash loses what the Weather says of what was not synced. All open files are lost.
func (d *Disk) Crash() {
	d.life++
	if len(d.changes) > 0 {
		kept := d.loss("", make([]int, len(d.changes)))
		if kept < len(d.changes) && d.changes[kept].is == nil && kept > 0 &&
			d.changes[kept].was == d.changes[kept-1].is {
			kept-- // the two halves of a change
		}
		for _, c := range slices.Backward(d.changes[kept:]) {
			d.set(c.name, c.was)
		}
		d.changes = nil
	}
	for _, n := range d.inodes {
		var sizes []int
		for _, w := range n.writes {
			sizes = append(sizes, len(w.data))
		}
		kept, part := len(sizes), 0
		if d.Weather != nil {
			kept, part = d.Weather.Loss(n.name, sizes)
		}
		data := slices.Clone(n.synced)
		for _, w := range n.writes[:kept] {
			data = w.onto(data)
		}
		if kept < len(sizes) && part > 0 {
			w := n.writes[kept]
			w.data = w.data[:part]
			data = w.onto(data)
		}
		n.data, n.synced, n.writes = data, slices.Clone(data), nil
	}
	d.inodes = nil
}

func (d *Disk) loss(name string, sizes []int) int {
	if d.Weather == nil {
		return len(sizes)
	}
	kept, _ := d.Weather.Loss(name, sizes)
	return kept
}

// info describes a file.
type info struct {
	n    *inode
	name string
	size int64
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) Mode() fs.FileMode  { return i.n.mode }
func (i info) ModTime() time.Time { return i.n.changed }
func (i info) IsDir() bool        { return i.n.mode.IsDir() }
func (i info) Sys() any           { return nil }
