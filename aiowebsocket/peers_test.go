package aiowebsocket_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/aiowebsocket"
	"github.com/coder/websocket"
)

func TestACoderClientTalksToUs(t *testing.T) {
	for _, mode := range []websocket.CompressionMode{
		websocket.CompressionDisabled, websocket.CompressionNoContextTakeover,
		websocket.CompressionContextTakeover,
	} {
		s := onLoop(t, aiowebsocket.Handler(aiowebsocket.Options{Compress: true}, echo))
		ctx := t.Context()
		c, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(s.URL, "http"),
			&websocket.DialOptions{CompressionMode: mode, CompressionThreshold: 1})
		ok(t, err)
		c.SetReadLimit(1 << 20)
		for _, n := range []int{0, 5, 1000, 100_000} {
			text := strings.Repeat("x", n)
			ok(t, c.Write(ctx, websocket.MessageText, []byte(text)))
			kind, got, err := c.Read(ctx)
			ok(t, err)
			equal(t, "echo", kind == websocket.MessageText && string(got) == text, true)
		}
		w, err := c.Writer(ctx, websocket.MessageBinary) // in fragments
		ok(t, err)
		for range 10 {
			fmt.Fprint(w, strings.Repeat("0123456789", 1000))
		}
		ok(t, w.Close())
		_, got, err := c.Read(ctx)
		ok(t, err)
		equal(t, "fragments", len(got), 100_000)
		c.CloseRead(ctx)
		ok(t, c.Ping(ctx))
		ok(t, c.Close(4000, "bye"))
	}
}

func TestWeTalkToACoderServer(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"p"},
			CompressionMode: websocket.CompressionContextTakeover})
		if err != nil {
			return
		}
		for {
			kind, p, err := c.Read(r.Context())
			if err != nil {
				return
			}
			if string(p) == "close" {
				c.Close(4002, "as you like")
				return
			}
			c.Write(r.Context(), kind, p)
		}
	}))
	defer s.Close()
	run(t, func(ctx context.Context) {
		for _, compress := range []bool{false, true} {
			c := dial(ctx, t, "ws"+strings.TrimPrefix(s.URL, "http"),
				aiowebsocket.Options{Protocols: []string{"p"}, Compress: compress})
			for _, n := range []int{0, 5, 1000, 30_000} {
				text := strings.Repeat("x", n)
				ok(t, c.WriteText(ctx, text))
				m, err := c.Read(ctx)
				ok(t, err)
				equal(t, "echo", m.String() == text, true)
			}
			ok(t, c.WriteText(ctx, "close"))
			_, err := c.Read(ctx)
			equal(t, "reason", wantClose(t, err, 4002).Reason, "as you like")
		}
	})
}

// python runs a program of Python with arguments, or skips the test.
func python(t *testing.T, library, program string, args ...string) *exec.Cmd {
	t.Helper()
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("there is no python3")
	}
	if err := exec.Command("python3", "-c", "import "+library).Run(); err != nil {
		t.Skip("python3 has no library " + library)
	}
	cmd := exec.CommandContext(t.Context(), "python3", append([]string{"-c", program}, args...)...)
	cmd.Stderr = os.Stderr
	return cmd
}

func TestThePythonClientWebsocketsTalksToUs(t *testing.T) {
	cmd := python(t, "websockets", `
import asyncio, sys, websockets
async def main(url):
    for compression in None, "deflate":
        async with websockets.connect(url, compression=compression) as c:
            for n in 0, 5, 126, 70000:
                for sent in "ö" * n, b"\xff" * n:
                    await c.send(sent)
                    assert await c.recv() == sent, n
            await c.send(["frag", "men", "ted"])
            assert await c.recv() == "fragmented"
            for _ in range(3):
                await (await c.ping())
            await c.close(4005, "bye")
            assert c.close_code == 4005, c.close_code
    try:
        await websockets.connect(url, origin="https://evil.example")
        assert False
    except websockets.InvalidStatus as e:
        assert e.response.status_code == 403
    async with websockets.connect(url) as c:
        await c.send("x" * (1 << 20) + "y")
        try:
            await c.recv()
            assert False
        except websockets.ConnectionClosedError as e:
            assert e.rcvd.code == 1009, e
asyncio.run(main(sys.argv[1]))
print("fine")
`)
	run(t, func(ctx context.Context) {
		cmd.Args = append(cmd.Args, serve(ctx, t, aiowebsocket.Options{Compress: true}, echo))
		out, err := aio.ToThread(ctx, func(context.Context) ([]byte, error) { return cmd.Output() })
		ok(t, err)
		equal(t, "output", string(out), "fine\n")
	})
}

func TestWeTalkToThePythonServerWebsockets(t *testing.T) {
	cmd := python(t, "websockets", `
import asyncio, sys, websockets
async def echo(c):
    while True:
        try:
            m = await c.recv()
        except websockets.ConnectionClosed:
            return
        if m == "close":
            await c.close(4006, "as you like")
        elif m == "fragments":
            await c.send(["fr", "ag", "ments"])
        else:
            await (await c.ping())
            await c.send(m)
async def main():
    async with websockets.serve(echo, "127.0.0.1", 0) as s:
        print(s.sockets[0].getsockname()[1], flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
asyncio.run(main())
`)
	in, err := cmd.StdinPipe()
	ok(t, err)
	out, err := cmd.StdoutPipe()
	ok(t, err)
	ok(t, cmd.Start())
	defer cmd.Wait()
	defer in.Close()
	var port int
	_, err = fmt.Fscan(out, &port)
	ok(t, err)
	run(t, func(ctx context.Context) {
		for _, compress := range []bool{false, true} {
			c := dial(ctx, t, fmt.Sprint("ws://127.0.0.1:", port), aiowebsocket.Options{Compress: compress})
			for _, n := range []int{0, 5, 1000, 70_000} {
				text := strings.Repeat("ö", n)
				ok(t, c.WriteText(ctx, text))
				m, err := c.Read(ctx)
				ok(t, err)
				equal(t, "echo", m.String() == text && !m.Binary, true)
			}
			ok(t, c.WriteText(ctx, "fragments"))
			m, err := c.Read(ctx)
			ok(t, err)
			equal(t, "fragments", m.String(), "fragments")
			ok(t, c.WriteText(ctx, "close"))
			_, err = c.Read(ctx)
			equal(t, "reason", wantClose(t, err, 4006).Reason, "as you like")
		}
	})
}

// wsproto says what it thinks of each byte.
func TestThePythonLibraryWsprotoFindsNothingWrong(t *testing.T) {
	cmd := python(t, "wsproto", `
import socket, sys
from wsproto import WSConnection, ConnectionType
from wsproto.events import *
from wsproto.extensions import PerMessageDeflate
port = int(sys.argv[1])
for extensions in [], [PerMessageDeflate()], [PerMessageDeflate(server_max_window_bits=9)]:
    s = socket.create_connection(("127.0.0.1", port))
    ws = WSConnection(ConnectionType.CLIENT)
    s.sendall(ws.send(Request(host="x", target="/", extensions=extensions)))
    got = []
    def take(n):
        while len(got) < n:
            data = s.recv(4096)
            ws.receive_data(data if data else None)
            for e in ws.events():
                if isinstance(e, Message) and not e.message_finished:
                    continue
                got.append(e)
        return got[n - 1]
    accepted = take(1)
    assert isinstance(accepted, AcceptConnection), accepted
    wanted = 1 if extensions and extensions[0].server_max_window_bits == 15 else 0
    assert len(accepted.extensions) == wanted, accepted
    s.sendall(ws.send(Message(data="a" * 1000, message_finished=False)))
    s.sendall(ws.send(Ping(payload=b"p")))
    s.sendall(ws.send(Message(data="b" * 1000)))
    assert take(2) == Pong(payload=b"p")
    assert isinstance(take(3), TextMessage)
    s.sendall(ws.send(CloseConnection(code=1001, reason="bye")))
    closed = take(4)
    assert isinstance(closed, CloseConnection) and closed.code == 1001, closed
    assert s.recv(1) == b""
print("fine")
`)
	run(t, func(ctx context.Context) {
		url := serve(ctx, t, aiowebsocket.Options{Compress: true}, echo)
		cmd.Args = append(cmd.Args, url[strings.LastIndex(url, ":")+1:])
		out, err := aio.ToThread(ctx, func(context.Context) ([]byte, error) { return cmd.Output() })
		ok(t, err)
		equal(t, "output", string(out), "fine\n")
	})
}

const page = `<script>
const lines = []
const ws = new WebSocket("ws://" + location.host + "/ws", ["v1", "v2"])
ws.binaryType = "arraybuffer"
ws.onopen = () => { ws.send("hellö"); ws.send(new Uint8Array(70000)); ws.send("") }
ws.onmessage = e => {
	lines.push(typeof e.data == "string" ? "text " + e.data : "binary " + e.data.byteLength)
	if (lines.length == 3) ws.close(4007, "bye")
}
ws.onclose = e => {
	lines.push(ws.protocol, ws.extensions, e.code, e.wasClean)
	fetch("/result", {method: "POST", body: lines.join("; ")})
}
</script>`

func TestABrowserTalksToUs(t *testing.T) {
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("there is no chromium")
	}
	run(t, func(ctx context.Context) {
		result := aio.NewFuture[string](ctx)
		site := http.NewServeMux()
		site.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, page) })
		site.HandleFunc("POST /result", func(w http.ResponseWriter, r *http.Request) {
			p, _ := io.ReadAll(r.Body)
			result.SetResult(string(p))
		})
		site.Handle("/ws", aiowebsocket.Handler(
			aiowebsocket.Options{Protocols: []string{"v2"}, Compress: true}, echo))
		s, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", site)
		ok(t, err)
		cmd := exec.Command(path, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
			"--disable-dev-shm-usage", "--no-proxy-server", "--disable-background-networking",
			"--disable-component-update", "--disable-sync", "--remote-debugging-port=0",
			"--user-data-dir="+t.TempDir(), s.URL())
		ownGroup(cmd)
		if err := cmd.Start(); err != nil {
			t.Skip("chromium cannot be started: ", err)
		}
		defer cmd.Wait()
		defer killGroup(cmd)
		got, err := result.Await(ctx)
		ok(t, err)
		equal(t, "lines", got,
			"text hellö; binary 70000; text ; v2; permessage-deflate;server_no_context_takeover;"+
				"client_no_context_takeover; 4007; true")
	})
}
