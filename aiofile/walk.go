package aiofile

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
)

// Entry is a file or folder that [Walk] has come to.
type Entry struct {
	Path string      // begins with the root that Walk was given
	Name string      // the last part of Path
	Type fs.FileMode // what kind it is, without permissions
	Info fs.FileInfo // size, time and so on, with the option [Info]; else nil

	walk *walk
}

// IsDir reports whether the entry is a folder. A symbolic link to one is none.
func (e Entry) IsDir() bool { return e.Type.IsDir() }

// SkipDir keeps Walk from going into this folder. It must be called in the loop body that got the entry.
func (e Entry) SkipDir() { e.walk.skip = true }

// WalkOption is a setting of [Walk]: [Info] or [OnWalkError].
type WalkOption func(w *walk)

// Info makes [Walk] look at each entry as well, for Entry.Info.
func Info() WalkOption { return func(w *walk) { w.info = true } }

// OnWalkError is called by [Walk] with what cannot be read. If it returns nil the walk goes on without that; else what it returns ends the
// walk. Without this option the first such error does.
func OnWalkError(fn func(path string, err error) error) WalkOption {
	if fn == nil {
		panic(misuse("OnWalkError", "the function is nil"))
	}
	return func(w *walk) { w.onError = fn }
}

type walk struct {
	ctx     context.Context
	info    bool
	onError func(path string, err error) error
	skip    bool
	yield   func(Entry, error) bool
}

// Walk is the sequence of all files and folders from root on, root included, a folder before what is in it, the names of a folder in order.
// It does not follow symbolic links. A folder is read when its turn comes, in one operation beside the loop. What disappears between
// two steps is left out, except for root. Python: os.walk.
//
// Cancellation: its error ends the sequence.
func Walk(ctx context.Context, root string, opts ...WalkOption) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		w := &walk{ctx: ctx, yield: yield, onError: func(_ string, err error) error { return err }}
		for _, o := range opts {
			o(w)
		}
		info, err := Do(ctx, func() (fs.FileInfo, error) { return os.Lstat(root) })
		if err != nil {
			w.failed(root, err)
			return
		}
		e := Entry{Path: root, Name: info.Name(), Type: info.Mode().Type(), walk: w}
		if w.info {
			e.Info = info
		}
		w.visit(e)
	}
}

// visit hands out an entry and what is below it. It returns false when the walk is over.
func (w *walk) visit(e Entry) bool {
	w.skip = false
	if !w.yield(e, nil) {
		return false
	}
	if !e.IsDir() || w.skip {
		return true
	}
	entries, err := Do(w.ctx, func() ([]Entry, error) { return w.read(e.Path) })
	for _, below := range entries {
		if !w.visit(below) {
			return false
		}
	}
	if err != nil && !os.IsNotExist(err) {
		return w.failed(e.Path, err)
	}
	return true
}

// read lists a folder. It is called beside the loop. With an error it returns what it has.
func (w *walk) read(dir string) ([]Entry, error) {
	list, err := os.ReadDir(dir)
	entries := make([]Entry, 0, len(list))
	for _, d := range list {
		e := Entry{Path: filepath.Join(dir, d.Name()), Name: d.Name(), Type: d.Type(), walk: w}
		if w.info {
			info, err := d.Info()
			if err != nil {
				continue // it has disappeared
			}
			e.Info = info
		}
		entries = append(entries, e)
	}
	return entries, err
}

func (w *walk) failed(path string, err error) bool {
	if !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		err = w.onError(path, err)
	}
	if err == nil {
		return true
	}
	w.yield(Entry{}, err)
	return false
}
