package gosh

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"io"
	"log"
	"os"
	"reflect"
	"strings"
	"unicode"

	"github.com/aio-go/aio"
	"github.com/traefik/yaegi/interp"
	"github.com/traefik/yaegi/stdlib"
)

// interpreter evaluates inputs. It is for one task at a time.
type interpreter struct {
	yaegi *interp.Interpreter
	out   io.Writer
	ctx   context.Context // of the input

	failed   error                               // what the expression has returned
	packages map[string]map[string]reflect.Value // their names, for completion
	declared map[string]bool                     // functions and types of the session
}

const module = "github.com/aio-go/aio"

func newInterpreter(out io.Writer) (*interpreter, error) {
	i := &interpreter{
		out: out, ctx: context.Background(),
		packages: map[string]map[string]reflect.Value{}, declared: map[string]bool{},
	}
	// What yaegi says of a panic comes in the error, too.
	i.yaegi = interp.New(interp.Options{Stdout: out, Stderr: io.Discard})
	own := interp.Exports{
		"console/console": {
			"Show":    reflect.ValueOf(i.show),
			"Do":      reflect.ValueOf(func(fn func()) { fn() }),
			"Context": reflect.ValueOf(func() context.Context { return i.ctx }),
		},
	}
	for pkg, names := range plain {
		path := module + "/" + pkg
		if pkg == "aio" {
			path = module
		}
		exports := map[string]reflect.Value{}
		for name, v := range names {
			exports[name] = v
		}
		for name, v := range generic[pkg] {
			exports[name] = reflect.ValueOf(v)
		}
		own[path+"/"+pkg] = exports
	}
	if err := errors.Join(i.yaegi.Use(stdlib.Symbols), i.yaegi.Use(own)); err != nil {
		return nil, err
	}
	i.yaegi.ImportUsed()
	for _, set := range []interp.Exports{stdlib.Symbols, own} {
		for path, names := range set {
			i.packages[path[strings.LastIndexByte(path, '/')+1:]] = names
		}
	}
	return i, i.exec("ctx := console.Context()")
}

// load evaluates a file. Its package is main, so that its names are there afterwards.
func (i *interpreter) load(ctx context.Context, file string) error {
	text, err := os.ReadFile(file) //aiovet:ignore nothing else runs yet
	if err != nil {
		return err
	}
	return i.run(ctx, string(text))
}

// incomplete reports whether an input goes on in the next line: a bracket, a string or a comment is
// open, or it ends in an operator.
func incomplete(src string) bool {
	var text scanner.Scanner
	open, cut := 0, false
	fset := token.NewFileSet()
	text.Init(fset.AddFile("", -1, len(src)), []byte(src), func(_ token.Position, msg string) {
		cut = cut || msg == "raw string literal not terminated" || msg == "comment not terminated"
	}, 0)
	last := token.SEMICOLON
	for {
		_, tok, lit := text.Scan()
		switch tok {
		case token.LPAREN, token.LBRACK, token.LBRACE:
			open++
		case token.RPAREN, token.RBRACK, token.RBRACE:
			open--
		case token.INC, token.DEC:
			tok = token.SEMICOLON
		case token.EOF:
			return open > 0 || cut || last.IsOperator() && last != token.SEMICOLON && !closes(last)
		case token.SEMICOLON:
			if lit == "\n" {
				continue
			}
		}
		last = tok
	}
}

func closes(t token.Token) bool {
	return t == token.RPAREN || t == token.RBRACK || t == token.RBRACE
}

// parse reads an input: declarations, or statements, which are put into a function.
func parse(src string) (file *ast.File, fset *token.FileSet, err error) {
	word := firstWord(src)
	switch word {
	case "package", "import", "type", "func", "var", "const":
		text := src
		if word != "package" {
			text = "package main;" + src
		}
		fset = token.NewFileSet()
		file, err = parser.ParseFile(fset, "", text, parser.SkipObjectResolution)
		if err == nil || word == "package" || word == "import" {
			return file, fset, err
		}
	}
	fset = token.NewFileSet()
	file, asBody := parser.ParseFile(fset, "", prefix+src+"\n}", parser.SkipObjectResolution)
	if asBody != nil && err != nil {
		return nil, nil, err
	}
	return file, fset, asBody
}

const prefix = "package main; func _() {"

func firstWord(src string) string {
	word := strings.TrimSpace(src)
	if end := strings.IndexFunc(word, func(r rune) bool { return !unicode.IsLetter(r) }); end >= 0 {
		word = word[:end]
	}
	return word
}

// run evaluates an input as the task of ctx. Statements are evaluated one by one, so that the names
// they declare stay.
func (i *interpreter) run(ctx context.Context, src string) (err error) {
	i.ctx = ctx
	if err := i.exec("ctx = console.Context()"); err != nil {
		return err
	}
	file, fset, err := parse(src)
	if err != nil {
		return plainly(err)
	}
	i.note(file)
	body := statements(file)
	if body == nil {
		return i.exec(src)
	}
	for _, s := range body {
		from := fset.Position(s.Pos()).Offset - len(prefix)
		to := fset.Position(s.End()).Offset - len(prefix)
		text := src[from:min(to, len(src))]
		switch s := s.(type) {
		case *ast.ExprStmt:
			if prints(s.X) {
				err = i.exec(text)
			} else {
				err = i.execShown(text)
			}
		case *ast.ReturnStmt, *ast.DeferStmt, *ast.BranchStmt, *ast.LabeledStmt:
			err = errors.New("there is no function around " +
				"return, defer, goto, break and continue here")
		case *ast.AssignStmt, *ast.DeclStmt, *ast.IncDecStmt, *ast.EmptyStmt:
			err = i.exec(text)
		default: // in a function: yaegi mistakes names that a block outside of one declares
			err = i.exec("console.Do(func() {\n" + text + "\n})")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// note remembers the functions and types of an input.
func (i *interpreter) note(file *ast.File) {
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil && d.Name.Name != "_" {
				i.declared[d.Name.Name] = true
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				if t, ok := s.(*ast.TypeSpec); ok {
					i.declared[t.Name.Name] = true
				}
			}
		}
	}
}

// statements returns those of the function around an input, or nil if it is made of declarations.
func statements(file *ast.File) []ast.Stmt {
	if len(file.Decls) == 1 {
		if fn, ok := file.Decls[0].(*ast.FuncDecl); ok && fn.Name.Name == "_" {
			return fn.Body.List
		}
	}
	return nil
}

// prints reports whether an expression prints by itself.
func prints(e ast.Expr) bool {
	call, ok := e.(*ast.CallExpr)
	if !ok {
		return false
	}
	switch f := call.Fun.(type) {
	case *ast.SelectorExpr:
		pkg, ok := f.X.(*ast.Ident)
		return ok && pkg.Name == "fmt" && strings.HasPrefix(f.Sel.Name, "Print")
	case *ast.Ident:
		switch f.Name {
		case "print", "println", "panic", "close", "delete":
			return true
		}
	}
	return false
}

// execShown evaluates an expression and shows its values. One without a value does not compile so.
func (i *interpreter) execShown(text string) error {
	if p, err := i.compile("console.Show(" + text + ")"); err == nil {
		i.failed = nil
		if err := i.execute(p); err != nil {
			return err
		}
		return i.failed
	}
	return i.exec("{ " + text + "\n}") // a literal that is called would count as a declaration
}

func (i *interpreter) exec(text string) error {
	p, err := i.compile(text)
	if err != nil {
		return plainly(err)
	}
	return i.execute(p)
}

// errLimit is the error of an input that the interpreter does not stand.
var errLimit = errors.New(
	"the interpreter cannot do this; it knows no range over numbers and functions " +
		"(write for i := 0; i < n; i++, or aiter.ForEach), and no min, max and clear",
)

func (i *interpreter) compile(text string) (p *interp.Program, err error) {
	writer := log.Writer()
	log.SetOutput(io.Discard) // it logs before it panics
	defer func() {
		log.SetOutput(writer)
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", errLimit, r)
		}
	}()
	return i.yaegi.Compile(text)
}

func (i *interpreter) execute(p *interp.Program) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	_, err = i.yaegi.Execute(p)
	var thrown interp.Panic
	if errors.As(err, &thrown) {
		if cause, ok := thrown.Value.(error); ok {
			return fmt.Errorf("panic: %w", cause)
		}
		return fmt.Errorf("panic: %v", thrown.Value)
	}
	return err
}

// plainly takes the positions out of an error: they count from a place that nobody has seen.
func plainly(err error) error {
	var list scanner.ErrorList
	if errors.As(err, &list) {
		return errors.New(list[0].Msg)
	}
	text := err.Error()
	for {
		at, rest, found := strings.Cut(text, ": ")
		if !found || strings.Trim(at, "0123456789:_.go") != "" {
			return errors.New(text)
		}
		text = rest
	}
}

// show prints the values of an expression. A last value that is an error ends the input; one that
// is a nil error is left out.
func (i *interpreter) show(values ...any) {
	if n := len(values); n > 0 {
		err, isError := values[n-1].(error)
		if isError || values[n-1] == nil {
			i.failed, values = err, values[:n-1]
		}
		if isError {
			values = nil // they mean nothing
		}
	}
	for _, v := range values {
		fmt.Fprintln(i.out, format(v))
	}
}

func format(v any) string {
	switch v := v.(type) {
	case nil:
		return "nil"
	case error:
		return v.Error()
	case string:
		return fmt.Sprintf("%q", v)
	case aio.AnyFuture, fmt.Stringer:
		return fmt.Sprint(v)
	}
	if t := reflect.TypeOf(v); t.Kind() == reflect.Func {
		return t.String()
	}
	return fmt.Sprintf("%+v", v)
}
