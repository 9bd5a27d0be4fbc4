package main

import (
	"bufio"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/clitest"
)

func TestMain(m *testing.M) { clitest.Main(m, main) }

var chat = clitest.Program(run)

// person is a raw connection to the chat.
type person struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
}

func come(t *testing.T, network, addr string) *person {
	t.Helper()
	conn, err := net.Dial(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(clitest.Patience))
	return &person{t, conn, bufio.NewReader(conn)}
}

// says sends lines.
func (p *person) says(lines ...string) {
	p.t.Helper()
	for _, line := range lines {
		if _, err := io.WriteString(p.conn, line+"\n"); err != nil {
			p.t.Fatal(err)
		}
	}
}

// hears reads exactly these lines.
func (p *person) hears(lines ...string) {
	p.t.Helper()
	for _, want := range lines {
		got, err := p.r.ReadString('\n')
		if err != nil || got != want+"\r\n" {
			p.t.Fatalf("heard %q, %v, want %q", got, err, want)
		}
	}
}

// hearsNoMore reads the end of the connection.
func (p *person) hearsNoMore() {
	p.t.Helper()
	if got, err := io.ReadAll(p.r); len(got) > 0 || err != nil {
		p.t.Errorf("heard %q, %v, want the end", got, err)
	}
}

func start(t *testing.T, args ...string) (*clitest.Running, string) {
	p := chat.Start(t, append([]string{"-addr", "127.0.0.1:0"}, args...)...)
	return p, strings.TrimSuffix(p.Out.Await(t, "Serving on "), ".")
}

const helpHint = " /help lists the commands."

// two are anna and bert, in the lobby.
func two(t *testing.T, addr string) (anna, bert *person) {
	t.Helper()
	anna = come(t, "tcp", addr)
	anna.hears("* Welcome, guest1. You are alone in lobby." + helpHint)
	anna.says("/nick anna")
	anna.hears("* You are anna now.")
	bert = come(t, "tcp", addr)
	bert.hears("* Welcome, guest2. You are in lobby, with 1 other." + helpHint)
	anna.hears("* guest2 has come")
	bert.says("/nick bert")
	bert.hears("* You are bert now.")
	anna.hears("* guest2 is bert now")
	return anna, bert
}

func TestMembersHearEachOther(t *testing.T) {
	p, addr := start(t)
	anna, bert := two(t, addr)
	anna.says("hello", "  is somebody there?\r")
	bert.hears("anna: hello", "anna: is somebody there?")
	bert.says("", "yes: ♥ \x1b[2J\xff")
	anna.hears("bert: yes: ♥ ?[2J?")
	bert.says("/quit it was nice")
	bert.hears("* Bye.")
	bert.hearsNoMore()
	anna.hears("* bert has gone: it was nice")
	anna.conn.Close()
	p.Out.Await(t, "anna has gone, 0 here")
	if code := p.Stop(); code != cli.OK || p.Err.String() != "" {
		t.Errorf("exit code %d, on stderr %q", code, p.Err)
	}
}

func TestMembersAreInRooms(t *testing.T) {
	_, addr := start(t)
	anna, bert := two(t, addr)
	anna.says("/join Kitchen")
	anna.hears("* You are alone in kitchen.")
	bert.hears("* anna has left for kitchen")
	bert.says("anna?")
	carl := come(t, "tcp", addr)
	carl.hears("* Welcome, guest3. You are in lobby, with 1 other." + helpHint)
	bert.hears("* guest3 has come")
	bert.says("/join kitchen", "there you are")
	bert.hears("* You are in kitchen, with 1 other.")
	anna.hears("* bert has come", "bert: there you are")
	carl.hears("* bert has left for kitchen")
	carl.says("/leave", "hello?", "/who", "/leave")
	carl.hears("* You have left lobby.", "* You are in no room; nobody hears you. /join lobby",
		"* kitchen: anna, bert", "* in no room: guest3", "* You are in no room.")
	carl.says("/join kitchen", "/join kitchen", "/leave")
	carl.hears("* You are in kitchen, with 2 others.", "* You are there.", "* You have left kitchen.")
	anna.hears("* guest3 has come", "* guest3 has left")
	carl.conn.Close() // from no room: nobody is told
	anna.says("bye")
	bert.hears("* guest3 has come", "* guest3 has left", "anna: bye")
}

func TestNicknamesAreUniqueAndPlain(t *testing.T) {
	_, addr := start(t)
	anna, bert := two(t, addr)
	bert.says("/nick ANNA", "/nick b\u00e9rt_2", "/nick BÉRT_2", "/nick a b", "/nick "+
		strings.Repeat("x", 21), "/nick guest3")
	bert.hears("* Somebody else is anna.", "* You are bért_2 now.", "* You are BÉRT_2 now.",
		"* Names have letters, digits, - and _.",
		"* Names have at most 20 letters.", "* You are guest3 now.")
	anna.hears("* bert is bért_2 now", "* bért_2 is BÉRT_2 now", "* BÉRT_2 is guest3 now")
	carl := come(t, "tcp", addr)
	carl.hears("* Welcome, guest4. You are in lobby, with 2 others." + helpHint)
}

func TestCommandsThatAreNone(t *testing.T) {
	_, addr := start(t)
	anna := come(t, "tcp", addr)
	anna.hears("* Welcome, guest1. You are alone in lobby." + helpHint)
	anna.says("/dance", "/nick", "/who is there", "/join a b", "/help")
	anna.hears("* There is no command /dance. /help lists those there are.",
		"* Write it as in: /nick NAME", "* Write it as in: /who",
		"* Names have letters, digits, - and _.",
		"* /nick NAME    take another nickname",
		"* /who          list who is here, room by room",
		"* /join ROOM    go to another room, new or not",
		"* /leave        leave the room, and be in none",
		"* /quit [WORDS] go, with a last word or without",
		"* /help         list the commands")
	anna.says(strings.Repeat("la", longestLine), "/quit")
	anna.hears("* That is too long; nobody has seen it.")
}

func TestALineThatIsTooLongIsNotSaid(t *testing.T) {
	_, addr := start(t)
	anna, bert := two(t, addr)
	anna.says(strings.Repeat("x", 50*longestLine), "short")
	anna.hears("* That is too long; nobody has seen it.")
	bert.hears("anna: short")
}

func TestOneWhoDoesNotReadIsCutOff(t *testing.T) {
	p, addr := start(t, "-backlog", "4096", "-rate", "1000000")
	anna, bert := two(t, addr)
	bert.conn.(*net.TCPConn).SetReadBuffer(4096)
	// Anna talks, and bert does not listen: the system keeps some of it, the chat 4 KB, and then he
	// is out.
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		line := strings.Repeat("bla ", 200) + "\n"
		for {
			select {
			case <-stop:
				return
			default:
				if _, err := io.WriteString(anna.conn, line); err != nil {
					return
				}
			}
		}
	}()
	anna.hears("* bert was too slow to read and is cut off")
	close(stop)
	<-stopped
	anna.says("/who")
	anna.hears("* lobby: anna")
	p.Out.Await(t, "bert was too slow to read and is cut off, 1 here")
}

func TestTheChatIsOnSeveralAddresses(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Unix sockets have other names here")
	}
	path := filepath.Join(t.TempDir(), "chat")
	p, addr := start(t, "-addr", "unix:"+path)
	p.Out.Await(t, "Serving on unix:"+path+".")
	p.Out.Await(t, "Ctrl-C ends the chat.")
	anna, bert := two(t, addr)
	carl := come(t, "unix", path)
	carl.hears("* Welcome, guest3. You are in lobby, with 2 others." + helpHint)
	carl.says("hello from here")
	anna.hears("* guest3 has come", "guest3: hello from here")
	bert.hears("* guest3 has come", "guest3: hello from here")
	p.Out.Await(t, "guest3 has come from this machine, 3 here")

	// At the end everybody is told, on every address.
	if code := p.Stop(); code != cli.OK || p.Err.String() != "" ||
		!strings.Contains(p.Out.String(), "\nThe chat ends, with 3 here.\n") {
		t.Errorf("exit code %d, %q, on stderr %q", code, p.Out, p.Err)
	}
	for _, each := range []*person{anna, bert, carl} {
		each.hears("* The chat ends here. Bye.")
	}
}

func TestTheChatEndsAlsoForOneWhoDoesNotRead(t *testing.T) {
	p, addr := start(t, "-backlog", "100000000", "-rate", "1000000")
	anna, bert := two(t, addr)
	bert.conn.(*net.TCPConn).SetReadBuffer(4096)
	line := strings.Repeat("bla ", 200)
	for range 10000 { // 8 MB for bert, who takes none of it
		anna.says(line)
	}
	anna.says("/who")
	anna.hears("* lobby: anna, bert")
	if code := p.Stop(); code != cli.OK {
		t.Errorf("exit code %d", code)
	}
	anna.hears("* The chat ends here. Bye.")
}

func TestMistakesAreExplained(t *testing.T) {
	for args, want := range map[string]string{
		"-speed 7":     "flag provided but not defined: -speed",
		"2424":         `there is nothing to do with "2424"; only flags are expected`,
		"-backlog 100": "-backlog is 100; it must be at least 2048",
		"-rate 0":      "-rate is 0; it must be at least 1",
	} {
		got := chat.Run(t.Context(), strings.Fields(args)...)
		if got.Code != cli.BadUsage || got.Out != "" || got.Err != "chat: "+want+"\nTry chat -help.\n" {
			t.Errorf("%q: %+v, want %s", args, got, want)
		}
	}
	if got := chat.Run(t.Context(), "-help"); got.Code != cli.OK ||
		!strings.Contains(got.Out, "    /nick NAME    take another nickname\n") {
		t.Errorf("%+v", got)
	}
	got := chat.Run(t.Context(), "-addr", "127.0.0.1:0", "-addr", "127.0.0.1:nowhere")
	if got.Code != cli.Failed || !strings.HasPrefix(got.Err, "chat: listen") {
		t.Errorf("%+v", got)
	}
}

func TestCtrlCAndSIGTERMEndTheServer(t *testing.T) {
	clitest.Signals(t, func(t *testing.T, sig os.Signal) {
		got := clitest.Signal(t, sig, "Ctrl-C ends the chat.", "-addr", "127.0.0.1:0")
		if got.Code != cli.OK || !strings.HasSuffix(got.Out, "\nThe chat ends, with 0 here.\n") ||
			got.Err != "" {
			t.Errorf("%+v", got)
		}
	})
}
