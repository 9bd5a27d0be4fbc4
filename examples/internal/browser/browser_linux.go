package browser

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aio-go/aio/examples/internal/clitest"
)

// Browser is a headless Chromium that is told what to do through two pipes: messages of JSON with a
// zero byte behind each.
type Browser struct {
	t       *testing.T
	cmd     *exec.Cmd
	to      *os.File
	from    *bufio.Reader
	session string
	id      int
	Trouble []string // what the pages complain about
}

// Open starts a browser with an empty page, or skips the test where there is none.
func Open(t *testing.T) *Browser {
	t.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("there is no Chromium on this machine")
	}
	theirs, to := pipe(t)
	from, theirOut := pipe(t)
	b := &Browser{t: t, to: to, from: bufio.NewReaderSize(from, 1<<20)}
	b.cmd = exec.Command(path, "--headless", "--no-sandbox", "--disable-gpu",
		"--disable-dev-shm-usage", "--no-first-run", "--no-proxy-server",
		"--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--hide-scrollbars", "--remote-debugging-pipe",
		"--user-data-dir="+filepath.Join(t.TempDir(), "profile"), "about:blank")
	b.cmd.ExtraFiles = []*os.File{theirs, theirOut} // as 3 and 4
	b.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := b.cmd.Start(); err != nil {
		t.Skip("Chromium cannot be started: ", err)
	}
	theirs.Close()
	theirOut.Close()
	guard := time.AfterFunc(clitest.Patience, b.kill)
	t.Cleanup(func() {
		guard.Stop()
		b.kill()
		b.cmd.Wait()
		to.Close()
		from.Close()
	})
	target := b.Do("Target.createTarget", "url", "about:blank")["targetId"]
	b.session = b.Do("Target.attachToTarget", "targetId", target, "flatten",
		true)["sessionId"].(string)
	b.Do("Page.enable")
	b.Do("Log.enable")
	b.Do("Runtime.enable")
	// as if ours were the window in front
	b.Do("Emulation.setFocusEmulationEnabled", "enabled", true)
	return b
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	return r, w
}

// kill ends the browser with all its processes.
func (b *Browser) kill() { syscall.Kill(-b.cmd.Process.Pid, syscall.SIGKILL) }

// Do sends a command and returns its result.
func (b *Browser) Do(method string, params ...any) map[string]any {
	b.t.Helper()
	result, problem := b.ask(method, params...)
	if problem != "" {
		b.t.Fatalf("%s: %s", method, problem)
	}
	return result
}

// ask is do for commands that may fail.
func (b *Browser) ask(method string, params ...any) (result map[string]any, problem string) {
	b.t.Helper()
	b.id++
	arguments := map[string]any{}
	for i := 0; i < len(params); i += 2 {
		arguments[params[i].(string)] = params[i+1]
	}
	message := map[string]any{"id": b.id, "method": method, "params": arguments}
	if b.session != "" {
		message["sessionId"] = b.session
	}
	text, err := json.Marshal(message)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.to.Write(append(text, 0)); err != nil {
		b.t.Skipf("Chromium has gone: %v", err)
	}
	for {
		text, err := b.from.ReadBytes(0)
		if err != nil {
			if b.id == 1 {
				b.t.Skip("Chromium does not start here: ", err)
			}
			b.t.Fatalf("%s: Chromium has gone: %v", method, err)
		}
		var answer struct {
			ID     int
			Method string
			Params json.RawMessage
			Result map[string]any
			Error  *struct{ Message string }
		}
		if err := json.Unmarshal(text[:len(text)-1], &answer); err != nil {
			b.t.Fatal(err)
		}
		switch {
		case answer.Method == "Log.entryAdded" && !strings.Contains(string(answer.Params),
			`"level":"info"`), answer.Method == "Runtime.exceptionThrown":
			b.Trouble = append(b.Trouble, string(answer.Params))
		case answer.ID != b.id:
		case answer.Error != nil:
			return nil, answer.Error.Message
		default:
			return answer.Result, ""
		}
	}
}

// Value returns what an expression is on the page, which may be a promise.
func (b *Browser) Value(expression string) any {
	b.t.Helper()
	result := b.Do("Runtime.evaluate", "expression", expression, "awaitPromise", true,
		"returnByValue", true)
	if problem, thrown := result["exceptionDetails"]; thrown {
		b.t.Fatalf("%s: %v", expression, problem)
	}
	return result["result"].(map[string]any)["value"]
}

// Await waits until an expression is true on the page. Looking again and again is our part: timers
// of a page without scripts do not run.
func (b *Browser) Await(expression string) {
	b.t.Helper()
	for deadline := time.Now().Add(clitest.Patience / 2); ; time.Sleep(10 * time.Millisecond) {
		result, problem := b.ask("Runtime.evaluate", "expression", "!!("+expression+
			")", "returnByValue", true)
		if problem == "" { // otherwise the page is being changed for another
			if value, _ := result["result"].(map[string]any); value["value"] == true {
				return
			}
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("never: %s\n%v", expression, b.Value("document.body.innerText"))
		}
	}
}

// Visit loads a page.
func (b *Browser) Visit(url string) {
	b.t.Helper()
	b.Do("Page.navigate", "url", url)
	b.Await(fmt.Sprintf("document.readyState === 'complete' && location.href === %q", url))
}

// Types types into what has the focus.
func (b *Browser) Types(text string) { b.Do("Input.insertText", "text", text) }

// Press presses a key.
func (b *Browser) Press(key string, code int, text string) {
	b.Do("Input.dispatchKeyEvent", "type", "keyDown", "key", key, "code", key,
		"windowsVirtualKeyCode", code, "text", text)
	b.Do("Input.dispatchKeyEvent", "type", "keyUp", "key", key, "code", key,
		"windowsVirtualKeyCode", code)
}

// Click clicks into the middle of an element.
func (b *Browser) Click(selector string) {
	b.t.Helper()
	at := b.Value(fmt.Sprintf("(() => { const e = document.querySelector(%q); "+
		"e.scrollIntoView({block: 'center'}); const r = e.getBoundingClientRect(); "+
		"return [r.x + r.width / 2, r.y + r.height / 2]; })()", selector)).([]any)
	for _, kind := range []string{"mousePressed", "mouseReleased"} {
		b.Do("Input.dispatchMouseEvent", "type", kind, "x", at[0], "y", at[1], "button", "left",
			"clickCount", 1)
	}
}

// Resize gives the window another size.
func (b *Browser) Resize(width, height int) {
	b.Do("Emulation.setDeviceMetricsOverride", "width", width, "height", height,
		"deviceScaleFactor", 1, "mobile", width < 600)
}

// Shot keeps a picture of the window if AIO_SHOTS names a folder.
func (b *Browser) Shot(name string) {
	b.t.Helper()
	dir := os.Getenv("AIO_SHOTS")
	if dir == "" {
		return
	}
	picture, err := base64.StdEncoding.DecodeString(b.Do("Page.captureScreenshot")["data"].(string))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o666)
	}
	if err != nil {
		b.t.Error(err)
	}
}
