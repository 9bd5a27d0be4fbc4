package aiofile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aio-go/aio/internal/errtree"
)

// Entry is a file or folder that [Walk] has found.
type Entry struct {
	Path string      // begins with the root that Walk was given
	Name string      // the last part of Path
	Type fs.FileMode // what kind it is, without permissions
	Info fs.FileInfo // size, time and so on, with the option [Info]; else nil

	walk  *walk
	root  *os.Root // the folder below which it is looked up
	below string   // the path below root
	depth int
}

// IsDir reports whether the entry is a folder. A symbolic link to a folder is not.
func (e Entry) IsDir() bool { return e.Type.IsDir() }

// SkipDir makes Walk leave out the content of this folder. Call it in the loop body that got the
// entry.
func (e Entry) SkipDir() { e.walk.skip = true }

// WalkOption is a setting of [Walk]: [Info] or [OnWalkError].
type WalkOption func(w *walk)

// Info makes [Walk] get the details of each entry, for Entry.Info.
func Info() WalkOption { return func(w *walk) { w.info = true } }

// OnWalkError is called by [Walk] with errors of reading. If it returns nil, the walk goes on
// without the entry; otherwise its error ends the walk. Without this option the first error ends
// it.
func OnWalkError(fn func(path string, err error) error) WalkOption {
	if fn == nil {
		panic(misuse("OnWalkError", "the function is nil; pass one"))
	}
	return func(w *walk) { w.onError = fn }
}

// maxDepth is how many folders deep a walk goes. It keeps the stack bounded.
const maxDepth = 10_000

// stage is how many folders are opened by name to reach one: after each such number of levels the
// walk holds a folder open.
const stage = 32

var errTooDeep = fmt.Errorf("more than %d folders deep", maxDepth)

type walk struct {
	ctx context.Context
	// the walk stays below it, however names change meanwhile; nil if it is no folder
	root    *os.Root
	info    bool
	onError func(path string, err error) error
	skip    bool
	yield   func(Entry, error) bool
}

// Walk is the sequence of all files and folders below root, and root itself. A folder comes before
// its content, and the names of a folder in order. It does not follow symbolic links and cannot be
// led out of root, not even by a folder that is replaced by a link meanwhile. It reads a whole
// folder when its turn comes, in one operation off the loop. Entries that disappear between two
// steps, or are no folder any more, are left out, except for root. A folder more than 10,000 deep
// is an error. Python: os.walk.
//
// Cancellation: its error ends the sequence.
func Walk(ctx context.Context, root string, opts ...WalkOption) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		w := &walk{ctx: ctx, yield: yield, onError: func(_ string, err error) error { return err }}
		for _, o := range opts {
			o(w)
		}
		info, err := Do(ctx, func() (fs.FileInfo, error) { return w.open(root) })
		if w.root != nil {
			defer func() { _ = insist(ctx, w.root.Close) }()
		}
		if err != nil {
			w.failed(root, err)
			return
		}
		e := Entry{
			Path:  root,
			Name:  info.Name(),
			Type:  info.Mode().Type(),
			walk:  w,
			root:  w.root,
			below: ".",
		}
		if w.info {
			e.Info = info
		}
		w.visit(e)
	}
}

// open examines the root, and opens it if it is a folder. It is called off the loop.
func (w *walk) open(root string) (fs.FileInfo, error) {
	info, err := os.Lstat(root)
	if err != nil || !info.IsDir() {
		return info, err
	}
	if w.root, err = os.OpenRoot(root); err != nil {
		return nil, err
	}
	opened, err := w.root.Stat(".")
	if err == nil && !os.SameFile(info, opened) {
		err = &fs.PathError{
			Op:   "walk",
			Path: root,
			Err:  errors.New("it was replaced while it was opened"),
		}
	}
	return info, err
}

// visit yields an entry and the entries below it. It returns false when the walk is over.
func (w *walk) visit(e Entry) bool {
	w.skip = false
	if !w.yield(e, nil) {
		return false
	}
	if !e.IsDir() || w.skip {
		return true
	}
	if e.depth == maxDepth {
		return w.failed(e.Path, &fs.PathError{Op: "walk", Path: e.Path, Err: errTooDeep})
	}
	if e.depth > 0 && e.depth%stage == 0 {
		sub, err := Do(w.ctx, func() (*os.Root, error) { return e.hold() })
		if err != nil && !os.IsNotExist(err) {
			return w.failed(e.Path, err)
		}
		if sub == nil {
			return true
		}
		defer func() { _ = insist(w.ctx, sub.Close) }()
		e.root, e.below = sub, "."
	}
	entries, err := Do(w.ctx, func() ([]Entry, error) { return w.read(e) })
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

// read lists a folder. It is called off the loop. With an error it returns the entries so far.
func (w *walk) read(dir Entry) ([]Entry, error) {
	f, err := dir.open()
	if f == nil {
		return nil, err
	}
	defer f.Close()
	list, err := f.ReadDir(-1)
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	entries := make([]Entry, 0, len(list))
	for _, d := range list {
		e := Entry{Path: filepath.Join(dir.Path, d.Name()), Name: d.Name(), Type: d.Type(), walk: w,
			root: dir.root, below: filepath.Join(dir.below, d.Name()), depth: dir.depth + 1}
		if w.info {
			info, err := dir.root.Lstat(e.below)
			if err != nil {
				continue // it has disappeared
			}
			e.Info, e.Type = info, info.Mode().Type()
		}
		entries = append(entries, e)
	}
	return entries, err
}

// look returns what has the name of a folder now. It is nil, without an error, if that is no folder
// any more, such as a link, which os.Root may follow below the root.
func (e Entry) look() (fs.FileInfo, error) {
	info, err := e.root.Lstat(e.below)
	switch {
	case replaced(err) || err == nil && !info.IsDir():
		return nil, nil
	case err != nil:
		return nil, at(e, err)
	}
	return info, nil
}

// open opens a folder. The result is nil, without an error, if something else has its name now.
func (e Entry) open() (*os.File, error) {
	named, err := e.look()
	if named == nil {
		return nil, err
	}
	f, err := e.root.OpenFile(e.below, os.O_RDONLY|openFolder, 0)
	if err != nil {
		if named, again := e.look(); named == nil {
			return nil, again // it was replaced just now
		}
		return nil, at(e, err)
	}
	if opened, err := f.Stat(); err != nil || !os.SameFile(named, opened) {
		f.Close()
		return nil, at(e, err)
	}
	return f, nil
}

// hold opens a folder to look up others below it. The result is nil, without an error, if something
// else has its name now.
func (e Entry) hold() (*os.Root, error) {
	named, err := e.look()
	if named == nil {
		return nil, err
	}
	sub, err := e.root.OpenRoot(e.below)
	if err != nil {
		return nil, at(e, err)
	}
	if opened, err := sub.Stat("."); err != nil || !os.SameFile(named, opened) {
		sub.Close()
		return nil, at(e, err)
	}
	return sub, nil
}

// replaced reports whether an error of os.Root says that a folder on the path is none any more, or
// leads out. Only the latter is not an error of the system.
func replaced(err error) bool {
	path, ok := err.(*fs.PathError)
	if !ok {
		return false
	}
	_, system := path.Err.(systemError)
	return !system || slices.ContainsFunc(noFolder, func(no error) bool { return path.Err == no })
}

// at puts the walk's path into an error of os.Root.
func at(dir Entry, err error) error {
	if path, ok := err.(*fs.PathError); ok {
		return &fs.PathError{Op: path.Op, Path: dir.Path, Err: path.Err}
	}
	return err
}

func (w *walk) failed(path string, err error) bool {
	if !errtree.Is(err, context.Canceled) && !errtree.Is(err, context.DeadlineExceeded) {
		err = w.onError(path, shown(err))
	}
	if err == nil {
		return true
	}
	w.yield(Entry{}, err)
	return false
}
