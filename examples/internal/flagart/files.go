package flagart

import (
	"bytes"
	"fmt"
	"html"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"
	"time"
)

// Files returns a file system with a folder for each country: de/de.gif and de/metadata.json, and a
// page that shows them all, index.html. The pictures are drawn when they are asked for, once. Any
// goroutine may use it.
func Files() fs.FS { return files{} }

type files struct{}

// pictures are functions that return the flags, by code.
var pictures sync.Map

// Open implements fs.FS.
func (f files) Open(name string) (fs.File, error) {
	data, err := f.read(name)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return &file{Reader: bytes.NewReader(data), name: path.Base(name)}, nil
}

func (files) read(name string) ([]byte, error) {
	if !fs.ValidPath(name) {
		return nil, fs.ErrInvalid
	}
	if name == "index.html" {
		return index(), nil
	}
	folder, base := path.Split(name)
	folder = strings.TrimSuffix(folder, "/")
	country, ok := Lookup(strings.ToUpper(folder))
	if !ok || folder != strings.ToLower(folder) {
		return nil, fs.ErrNotExist
	}
	switch base {
	case "metadata.json":
		return country.Metadata(), nil
	case folder + ".gif":
		draw, _ := pictures.LoadOrStore(country.Code, sync.OnceValues(country.GIF))
		return draw.(func() ([]byte, error))()
	}
	return nil, fs.ErrNotExist
}

// index is a page with all flags.
func index() []byte {
	var b bytes.Buffer
	b.WriteString("<!DOCTYPE html>\n<html lang=\"en\">\n<meta " +
		"charset=\"utf-8\">\n<title>Flags</title>\n" +
		"<style>body { font-family: sans-serif; " +
		"background: #eee } figure { display: inline-block; width: 150px; margin: 8px; " +
		"vertical-align: top }</style>\n")
	for _, c := range All() {
		cc := strings.ToLower(c.Code)
		fmt.Fprintf(&b, "<figure><img src=\"/%[1]s/%[1]s.gif\" width=\"150\" height=\"100\" "+
			"alt=\"\"><figcaption>%[2]s</figcaption></figure>\n", cc, html.EscapeString(c.Name))
	}
	return b.Bytes()
}

// file is an open file. It is its own FileInfo.
type file struct {
	*bytes.Reader
	name string
}

var _ io.Seeker = (*file)(nil)

func (f *file) Stat() (fs.FileInfo, error) { return f, nil }
func (f *file) Close() error               { return nil }
func (f *file) Name() string               { return f.name }
func (f *file) Size() int64                { return f.Reader.Size() }
func (f *file) Mode() fs.FileMode          { return 0o444 }
func (f *file) ModTime() time.Time         { return time.Time{} }
func (f *file) IsDir() bool                { return false }
func (f *file) Sys() any                   { return nil }
