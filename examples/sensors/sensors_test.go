package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/eclipse/paho.golang/paho"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/examples/bridges/mqtt"
	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/clitest"
)

func TestMain(m *testing.M) { clitest.Main(m, main) }

var sensors = clitest.Program(run)

// start starts a server with its own broker.
func start(t *testing.T, args ...string) (p *clitest.Running, url, broker string) {
	t.Helper()
	p = sensors.Start(t, append([]string{
		"-addr", "127.0.0.1:0", "-mqtt", "127.0.0.1:0", "-every", "1ms"}, args...)...)
	broker = strings.TrimSuffix(strings.TrimSpace(p.Out.Await(t, "The broker is ")), ".")
	url, _, _ = strings.Cut(p.Out.Await(t, "Serving on "), ". ")
	return p, url, broker
}

// follow reads the events of a server until fn returns true.
func follow(t *testing.T, url string, fn func(s sensor) bool) {
	t.Helper()
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		c := &aiohttp.Client{}
		defer c.Close()
		for e, err := range c.Events(ctx, url+"/events") {
			if err != nil {
				return err
			}
			var s sensor
			if err := json.Unmarshal([]byte(e.Data), &s); err != nil {
				return err
			}
			if fn(s) {
				return nil
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestEveryReadingComesToThePage(t *testing.T) {
	p, url, _ := start(t, "-devices", "3")
	seen := map[string]int{}
	follow(t, url, func(s sensor) bool {
		if s.Celsius != nil && s.Online {
			seen[s.Name]++
		}
		return seen["room-1"] >= 5 && seen["room-2"] >= 5 && seen["room-3"] >= 5
	})
	if code := p.Stop(); code != cli.OK || !strings.Contains(p.Out.String(), "\nThe board had ") {
		t.Errorf("exit code %d, %s", code, p.Out)
	}
	if len(seen) != 3 {
		t.Errorf("thermometers: %v", seen)
	}
}

func TestADeviceOfAnotherProcessGoesOfflineAtItsEnd(t *testing.T) {
	p, url, broker := start(t, "-devices", "0")
	got := sensors.Run(t.Context(), "device", "-broker", broker, "-every", "1ms", "-n", "5", "attic")
	if got.Code != cli.OK || got.Err != "" {
		t.Fatalf("%+v", got)
	}
	follow(t, url, func(s sensor) bool { return s.Name == "attic" && !s.Online && s.Celsius != nil })
	device := sensors.Start(t, "device", "-broker", broker, "-every", "1ms", "attic")
	follow(t, url, func(s sensor) bool { return s.Online })
	if code := device.Stop(); code != cli.Interrupted {
		t.Errorf("exit code %d of the device", code)
	}
	follow(t, url, func(s sensor) bool { return !s.Online })
	if code := p.Stop(); code != cli.OK {
		t.Errorf("exit code %d", code)
	}
}

// Anybody may publish anything: the board takes what a thermometer says, and no more than a number
// of them.
func TestTheBoardTakesNoNonsense(t *testing.T) {
	b := newBoard()
	for topic, payload := range map[string]string{
		"sensors/a/reading":           `{"celsius":1e300}`,
		"sensors/b/reading":           `{"celsius":`,
		"sensors/c/other":             `{"celsius":1}`,
		"sensors/\x1b[2J/status":      "online",
		"sensors//status":             "online",
		"sensors/" + long + "/status": "online",
	} {
		if b.take(&paho.Publish{Topic: topic, Payload: []byte(payload)}) {
			t.Errorf("it takes %q %q", topic, payload)
		}
	}
	for i := range 2 * mostDevices {
		b.take(&paho.Publish{
			Topic: fmt.Sprintf("sensors/%d/reading", i), Payload: []byte(`{"celsius":20}`)})
	}
	if len(b.sensors) != mostDevices || b.readings != mostDevices {
		t.Errorf("%d thermometers, %d readings", len(b.sensors), b.readings)
	}
}

var long = strings.Repeat("x", 65)

// A listener that comes late gets all thermometers, and one that was slow the last readings.
func TestASlowListenerGetsTheLastReadings(t *testing.T) {
	b := newBoard()
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		for i := range 10 {
			b.take(&paho.Publish{Topic: fmt.Sprintf("sensors/%d/reading", i%3),
				Payload: fmt.Appendf(nil, `{"celsius":%d}`, i)})
		}
		news, n, err := b.after(ctx, 0)
		var got []string
		for _, s := range news {
			got = append(got, fmt.Sprint(s.Name, "=", *s.Celsius))
		}
		if want := "[1=7 2=8 0=9]"; fmt.Sprint(got) != want || n != 10 {
			t.Errorf("got %v up to %d, want %s", got, n, want)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestThePageGoesOnWhenTheBrokerComesBack(t *testing.T) {
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		b, err := startBroker("127.0.0.1:0", 10)
		if err != nil {
			return err
		}
		board := newBoard()
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			ready := aio.NewFuture[aio.None](ctx)
			listener := g.Go(func(ctx context.Context) error {
				return board.listen(ctx, b.url, func() { _ = ready.SetResult(aio.None{}) })
			})
			if _, err := ready.Await(ctx); err != nil {
				return err
			}
			b.close(ctx)
			if b, err = startBroker(b.url.Host, 10); err != nil {
				return err
			}
			// what comes before the listener is back is retained
			err := withClient(ctx, clientOf(b.url, "one"),
				func(ctx context.Context, c *mqtt.Client) error {
					return c.Publish(ctx, &paho.Publish{Topic: "sensors/one/reading", QoS: 1,
						Retain: true, Payload: []byte(`{"celsius":3}`)})
				})
			if err != nil {
				return err
			}
			if _, _, err := board.after(ctx, 0); err != nil {
				return err
			}
			listener.Cancel(nil)
			_, _ = listener.Await(ctx)
			b.close(ctx)
			return nil
		})
	})
	if err != nil {
		t.Error(err)
	}
}

func TestMistakesInTheCommandLine(t *testing.T) {
	for args, want := range map[string]string{
		"-help":                         "",
		"device -help":                  "",
		"x":                             "only flags are expected",
		"-every 0s":                     "-every is 0s",
		"-devices -1":                   "-devices is -1",
		"-broker http://x":              "-broker must look like mqtt://",
		"device":                        "a device needs one name",
		"device a/b":                    "the name of a device",
		"device -n -1 a":                "-n is -1",
		"device -broker mqtt://u:p@ a":  "-broker must look like",
		"-connections 0":                "-connections is 0",
		"-addr 127.0.0.1:99999 -mqtt x": "x",
	} {
		got := sensors.Run(t.Context(), strings.Fields(args)...)
		switch {
		case want == "" && (got.Code != cli.OK || got.Out != usage):
			t.Errorf("%s: %+v", args, got)
		case want != "" && (got.Code == cli.OK || !strings.Contains(got.Err, want)):
			t.Errorf("%s: %+v", args, got)
		}
	}
}
