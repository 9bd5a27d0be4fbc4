package main

import (
	"bufio"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/clitest"
)

func TestMain(m *testing.M) { clitest.Main(m, main) }

var tcpmoji = clitest.Program(run)

// visitor is a raw connection to the server.
type visitor struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
}

func visit(t *testing.T, addr string) *visitor {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(clitest.Patience))
	return &visitor{t, conn, bufio.NewReader(conn)}
}

func (v *visitor) send(text string) {
	v.t.Helper()
	if _, err := io.WriteString(v.conn, text); err != nil {
		v.t.Fatal(err)
	}
}

// expect reads exactly want.
func (v *visitor) expect(want string) {
	v.t.Helper()
	got := make([]byte, len(want))
	n, err := io.ReadFull(v.r, got)
	if string(got) != want {
		v.t.Fatalf("got %q, %v, want %q", got[:n], err, want)
	}
}

// expectEnd reads want and the end of the stream.
func (v *visitor) expectEnd(want string) {
	v.t.Helper()
	v.expect(want)
	if rest, err := io.ReadAll(v.r); len(rest) > 0 || err != nil {
		v.t.Errorf("after %q came %q, %v", want, rest, err)
	}
}

func start(t *testing.T) (*clitest.Running, string) {
	p := tcpmoji.Start(t, "-addr", "127.0.0.1:0")
	addr, _, _ := strings.Cut(p.Out.Await(t, "Serving on "), ". ")
	return p, addr
}

var rule = strings.Repeat("─", 66)

func TestAVisitorSearchesUntilItHasHadEnough(t *testing.T) {
	p, addr := start(t)
	v := visit(t, addr)
	v.expect("?> ")
	v.send("registered\r\n")
	v.expect("U+00AE\t®\tREGISTERED SIGN\r\n" + rule + " 1 found\r\n?> ")
	v.send("cat smiling\nno such thing\n") // both at once, and without a carriage return
	v.expect("U+1F638\t😸\tGRINNING CAT FACE WITH SMILING EYES\r\n" +
		"U+1F63A\t😺\tSMILING CAT FACE WITH OPEN MOUTH\r\n" +
		"U+1F63B\t😻\tSMILING CAT FACE WITH HEART-SHAPED EYES\r\n" + rule + " 3 found\r\n?> ")
	v.expect(rule + " 0 found\r\n?> ")
	v.send("\r\n")
	v.expect(rule + " 0 found\r\n?> ")
	v.send("\x03")
	v.expectEnd("\r\nBye.\r\n")
	who := v.conn.LocalAddr().String()
	p.Out.Await(t, who+" has come, 1 here")
	p.Out.Await(t, "From "+who+`: "cat smiling"`)
	p.Out.Await(t, "To "+who+": 3 found")
	p.Out.Await(t, who+" has gone, 0 here")
	if code := p.Stop(); code != cli.OK || p.Err.String() != "" {
		t.Errorf("exit code %d, on stderr %q", code, p.Err)
	}
}

func TestControlCharactersEndTheConversation(t *testing.T) {
	_, addr := start(t)
	for name, keys := range map[string]string{
		"Ctrl-C":              "\x03",
		"Ctrl-C in a word":    "fa\x03",
		"Ctrl-D":              "\x04",
		"Ctrl-C of telnet":    "\xff\xf4\xff\xfd\x06",
		"a key of Escape":     "\x1b[A\r\n",
		"no text":             "caf\xe9\r\n",
		"nothing but a null":  "\x00\n",
		"Backspace in a word": "king\bg\r\n",
	} {
		v := visit(t, addr)
		v.expect("?> ")
		v.send(keys)
		t.Log(name)
		v.expectEnd("\r\nBye.\r\n")
	}
}

func TestALineWithoutEndIsRefused(t *testing.T) {
	_, addr := start(t)
	v := visit(t, addr)
	v.expect("?> ")
	v.send(strings.Repeat("la", longestQuery))
	v.expect("That is too long.\r\n") // the connection may be reset: not all was read
}

func TestAVisitorMayGoWithoutAWord(t *testing.T) {
	p, addr := start(t)
	v := visit(t, addr)
	v.conn.Close()
	p.Out.Await(t, "has gone, 0 here")
	w := visit(t, addr)
	w.expect("?> ")
	w.conn.(*net.TCPConn).SetLinger(0) // a reset
	w.conn.Close()
	p.Out.Await(t, w.conn.LocalAddr().String()+" has gone")
	p.Stop()
	if p.Err.String() != "" {
		t.Errorf("on stderr %q", p.Err)
	}
}

func TestOneWhoDoesNotReadHoldsUpNobody(t *testing.T) {
	_, addr := start(t)
	slow := visit(t, addr)
	slow.send("cjk unified ideograph\n") // 97,000 lines, 5 MB
	v := visit(t, addr)
	v.expect("?> ")
	v.send("registered\n")
	v.expect("U+00AE\t®\tREGISTERED SIGN\r\n" + rule + " 1 found\r\n?> ")
	lines := 0
	for {
		line, err := slow.r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(line, rule) {
			break
		}
		lines++
	}
	if lines < 90000 {
		t.Errorf("%d lines", lines)
	}
}

func TestVisitorsAreToldWhenTheServerEnds(t *testing.T) {
	p, addr := start(t)
	var all []*visitor
	for range 3 {
		v := visit(t, addr)
		v.expect("?> ")
		all = append(all, v)
	}
	if code := p.Stop(); code != cli.OK || p.Err.String() != "" {
		t.Errorf("exit code %d, on stderr %q", code, p.Err)
	}
	for _, v := range all {
		v.expectEnd("\r\nThe server is going down. Bye.\r\n")
	}
	if got := p.Out.String(); !strings.Contains(got, "Server shut down.") {
		t.Errorf("the output is %q", got)
	}
}

func TestWordsOnTheCommandLineAreSearchedAtOnce(t *testing.T) {
	got := tcpmoji.Run(t.Context(), "chess", "black", "king")
	if got.Code != cli.OK || got.Err != "" || !strings.HasPrefix(got.Out,
		"U+265A\t♚\tBLACK CHESS KING\n") || !strings.HasSuffix(got.Out, rule+" 4 found\n") {
		t.Errorf("%+v", got)
	}
	if got := tcpmoji.Run(t.Context(), "nonsense"); got.Code != cli.Failed ||
		got.Out != rule+" 0 found\n" {
		t.Errorf("%+v", got)
	}
}

func TestMistakesAreExplained(t *testing.T) {
	if got := tcpmoji.Run(t.Context(), "-speed", "7"); got.Code != cli.BadUsage ||
		got.Err != "tcpmoji: flag provided but not defined: -speed\nTry tcpmoji -help.\n" {
		t.Errorf("%+v", got)
	}
	if got := tcpmoji.Run(t.Context(), "-help"); got.Code != cli.OK || got.Out != usage {
		t.Errorf("%+v", got)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, addr := range []string{taken.Addr().String(), "127.0.0.1", "127.0.0.1:nonsense"} {
		if got := tcpmoji.Run(t.Context(), "-addr", addr); got.Code != cli.Failed ||
			!strings.HasPrefix(got.Err, "tcpmoji: ") || got.Out != "" {
			t.Errorf("%s: %+v", addr, got)
		} else {
			t.Log(got.Err)
		}
	}
}

func TestCtrlCAndSIGTERMEndTheServer(t *testing.T) {
	clitest.Signals(t, func(t *testing.T, sig os.Signal) {
		got := clitest.Signal(t, sig, "Serving on ", "-addr", "127.0.0.1:0")
		if got.Code != cli.OK || !strings.HasSuffix(got.Out, "\nServer shut down.\n") || got.Err != "" {
			t.Errorf("%+v", got)
		}
	})
}
