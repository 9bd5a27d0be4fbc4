package main

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

// browser is a headless Chromium that is told what to do through two pipes: messages of JSON with a
// zero byte behind each.
type browser struct {
	t       *testing.T
	cmd     *exec.Cmd
	to      *os.File
	from    *bufio.Reader
	session string
	id      int
	trouble []string // what the pages complain about
}

// open starts a browser with an empty page, or skips the test where there is none.
func open(t *testing.T) *browser {
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
	b := &browser{t: t, to: to, from: bufio.NewReaderSize(from, 1<<20)}
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
	target := b.do("Target.createTarget", "url", "about:blank")["targetId"]
	b.session = b.do("Target.attachToTarget", "targetId", target, "flatten",
		true)["sessionId"].(string)
	b.do("Page.enable")
	b.do("Log.enable")
	b.do("Runtime.enable")
	b.do("Emulation.setFocusEmulationEnabled", "enabled", true) // as if ours were the window in front
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
func (b *browser) kill() { syscall.Kill(-b.cmd.Process.Pid, syscall.SIGKILL) }

// do sends a command and returns its result.
func (b *browser) do(method string, params ...any) map[string]any {
	b.t.Helper()
	result, problem := b.ask(method, params...)
	if problem != "" {
		b.t.Fatalf("%s: %s", method, problem)
	}
	return result
}

// ask is do for commands that may fail.
func (b *browser) ask(method string, params ...any) (result map[string]any, problem string) {
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
			b.trouble = append(b.trouble, string(answer.Params))
		case answer.ID != b.id:
		case answer.Error != nil:
			return nil, answer.Error.Message
		default:
			return answer.Result, ""
		}
	}
}

// value returns what an expression is on the page, which may be a promise.
func (b *browser) value(expression string) any {
	b.t.Helper()
	result := b.do("Runtime.evaluate", "expression", expression, "awaitPromise", true,
		"returnByValue", true)
	if problem, thrown := result["exceptionDetails"]; thrown {
		b.t.Fatalf("%s: %v", expression, problem)
	}
	return result["result"].(map[string]any)["value"]
}

// await waits until an expression is true on the page. Looking again and again is our part: timers
// of a page without scripts do not run.
func (b *browser) await(expression string) {
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
			b.t.Fatalf("never: %s\n%v", expression, b.value("document.body.innerText"))
		}
	}
}

// visit loads a page.
func (b *browser) visit(url string) {
	b.t.Helper()
	b.do("Page.navigate", "url", url)
	b.await(fmt.Sprintf("document.readyState === 'complete' && location.href === %q", url))
}

// types types into what has the focus.
func (b *browser) types(text string) { b.do("Input.insertText", "text", text) }

// press presses a key.
func (b *browser) press(key string, code int, text string) {
	b.do("Input.dispatchKeyEvent", "type", "keyDown", "key", key, "code", key, "windowsVirtualKeyCode",
		code, "text", text)
	b.do("Input.dispatchKeyEvent", "type", "keyUp", "key", key, "code", key,
		"windowsVirtualKeyCode", code)
}

// click clicks into the middle of an element.
func (b *browser) click(selector string) {
	b.t.Helper()
	at := b.value(fmt.Sprintf("(() => { const e = document.querySelector(%q); "+
		"e.scrollIntoView({block: 'center'}); const r = e.getBoundingClientRect(); "+
		"return [r.x + r.width / 2, r.y + r.height / 2]; })()", selector)).([]any)
	for _, kind := range []string{"mousePressed", "mouseReleased"} {
		b.do("Input.dispatchMouseEvent", "type", kind, "x", at[0], "y", at[1], "button", "left",
			"clickCount", 1)
	}
}

// resize gives the window another size.
func (b *browser) resize(width, height int) {
	b.do("Emulation.setDeviceMetricsOverride", "width", width, "height", height, "deviceScaleFactor",
		1, "mobile", width < 600)
}

// shot keeps a picture of the window if WEBMOJI_SHOTS names a folder.
func (b *browser) shot(name string) {
	b.t.Helper()
	dir := os.Getenv("WEBMOJI_SHOTS")
	if dir == "" {
		return
	}
	picture, err := base64.StdEncoding.DecodeString(b.do("Page.captureScreenshot")["data"].(string))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o666)
	}
	if err != nil {
		b.t.Error(err)
	}
}

const (
	codes  = `[...document.querySelectorAll('#found .code')].map(e => e.textContent).join(' ')`
	status = `document.querySelector('#status').textContent`
)

func TestThePageInABrowser(t *testing.T) {
	b := open(t)
	p, address := start(t)
	b.resize(1280, 900)
	b.visit(address + "/")
	b.await("document.activeElement.id === 'q'") // one can type at once
	b.shot("start")

	// While one types.
	b.types("cat smi")
	b.await(status + ` === 'Nothing has all of these words in its name.'`)
	b.types("ling")
	b.await(status + ` === '3 characters'`)
	if got := b.value(codes); got != "U+1F638 U+1F63A U+1F63B" {
		t.Errorf("found %v", got)
	}
	got := b.value("location.search + document.title")
	if got != "?q=cat%20smilingcat smiling – Mojifinder" {
		t.Errorf("the address is %v", got)
	}
	b.shot("cats")

	// The address leads there again.
	b.visit(address + "/?q=cat%20smiling")
	if got := b.value(codes); got != "U+1F638 U+1F63A U+1F63B" {
		t.Errorf("found again %v", got)
	}

	// Return, the button, an idea.
	b.value("document.querySelector('#q').select()")
	b.types("chess king")
	b.press("Enter", 13, "\r")
	b.await(status + ` === '12 characters'`)
	b.value("document.querySelector('#q').select()")
	b.types("registered")
	b.click("form button")
	b.await(status + ` === '1 character'`)
	b.click("nav a:last-child")
	b.await(`document.querySelector('#q').value === 'euro' && ` + codes + `.includes('U+20AC')`)

	// A click copies.
	b.do("Browser.grantPermissions", "permissions",
		[]string{"clipboardReadWrite", "clipboardSanitizedWrite"}, "origin", address)
	b.click(`#found [data-char="€"]`)
	b.await(`!document.querySelector('#toast').hidden`)
	if got := b.value("document.querySelector('#toast').textContent"); got != "€ copied" {
		t.Errorf("the page says %v", got)
	}
	b.shot("copied")

	// Narrow windows.
	for _, width := range []int{320, 390, 768} {
		b.resize(width, 800)
		b.visit(address + "/?q=arrow%20right")
		if got := b.value("document.documentElement.scrollWidth"); got != float64(width) {
			t.Errorf("the page is %v wide in a window of %d", got, width)
		}
		b.shot(fmt.Sprint("arrows", width))
	}
	b.do("Emulation.setEmulatedMedia", "features",
		[]map[string]string{{"name": "prefers-color-scheme", "value": "dark"}})
	b.resize(1280, 900)
	b.visit(address + "/?q=heart")
	b.shot("dark")
	if got := b.value("getComputedStyle(document.body).backgroundColor"); got != "rgb(27, 24, 21)" {
		t.Errorf("the dark page is %v", got)
	}

	if len(b.trouble) > 0 {
		t.Errorf("the browser complains: %s", strings.Join(b.trouble, "\n"))
	}

	// The server goes away.
	p.Stop()
	b.value("document.querySelector('#q').select()")
	b.types("dog")
	b.await(status + ` === 'The server does not answer.'`)
	if got := b.value(codes); got != "" {
		t.Errorf("still shown: %v", got)
	}
}

func TestTheFormInABrowserWithoutScripts(t *testing.T) {
	b := open(t)
	_, address := start(t)
	b.do("Emulation.setScriptExecutionDisabled", "value", true)
	b.do("Page.navigate", "url", address+"/")
	b.await("document.readyState === 'complete' && document.activeElement.id === 'q'")
	b.types("cat smiling")
	b.press("Enter", 13, "\r")
	b.await("document.readyState === 'complete' && location.search === '?q=cat+smiling'")
	if got := b.value(codes); got != "U+1F638 U+1F63A U+1F63B" {
		t.Errorf("found %v", got)
	}
}
