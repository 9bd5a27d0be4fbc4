package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"time"

	"github.com/eclipse/paho.golang/paho"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/examples/bridges/mqtt"
	"github.com/aio-go/aio/examples/internal/cli"
)

// device is a thermometer, an invented one.
type device struct {
	name   string
	broker *url.URL
	every  time.Duration
	n      int // readings; 0: without end
}

// reading is what a thermometer publishes.
type reading struct {
	Celsius float64 `json:"celsius"`
}

func runDevice(ctx context.Context, args []string, std cli.Streams) int {
	d := device{}
	flags := cli.Flags("sensors")
	broker := flags.String("broker", "mqtt://127.0.0.1:1883", "")
	flags.DurationVar(&d.every, "every", time.Second, "")
	flags.IntVar(&d.n, "n", 0, "")
	rest, err := cli.Parse(flags, args)
	if err == nil {
		err = checkEvery(d.every)
	}
	if err == nil && len(rest) != 1 {
		err = errors.New("a device needs one name")
	}
	if err == nil {
		d.name = rest[0]
		err = checkName(d.name)
	}
	if err == nil && d.n < 0 {
		err = fmt.Errorf("-n is %d; it must not be negative", d.n)
	}
	if err == nil {
		d.broker, err = parseBroker(*broker)
	}
	if err != nil {
		return std.Usage("sensors", usage, err)
	}
	code, err := cli.Run(ctx, d.run)
	if code == cli.Failed {
		return std.Fail("sensors", err)
	}
	return code
}

// checkName refuses names that do not fit into a topic.
func checkName(name string) error {
	if name == "" || len(name) > 64 || strings.ContainsAny(name, "/+#$\x00") ||
		cli.Printable(name) != name {
		return errors.New("the name of a device has 1 to 64 printable bytes, without / + # $")
	}
	return nil
}

// run measures until it is cancelled, or has done so n times.
func (d device) run(ctx context.Context) error {
	status := "sensors/" + d.name + "/status"
	config := clientOf(d.broker, "device-"+d.name)
	config.WillMessage = &paho.WillMessage{
		Topic: status, QoS: 1, Retain: true, Payload: []byte("offline"),
	}
	config.WillProperties = &paho.WillProperties{WillDelayInterval: new(uint32)}
	return withClient(ctx, config, func(ctx context.Context, c *mqtt.Client) (err error) {
		say := func(ctx context.Context, word string) error {
			return c.Publish(ctx,
				&paho.Publish{Topic: status, QoS: 1, Retain: true, Payload: []byte(word)})
		}
		if err := say(ctx, "online"); err != nil {
			return err
		}
		defer func() { // also if it is cancelled; the broker may have gone already
			end := aio.Timeout(context.WithoutCancel(ctx), time.Second,
				func(ctx context.Context) error { return say(ctx, "offline") })
			if d.n > 0 {
				err = cmp.Or(err, end)
			}
		}()
		return d.measure(ctx, c)
	})
}

// measure publishes the readings. One that cannot be sent is dropped: the next comes soon.
func (d device) measure(ctx context.Context, c *mqtt.Client) error {
	random := rand.New(rand.NewPCG(uint64(len(d.name)), uint64(d.name[len(d.name)-1])))
	celsius := 20 + random.Float64()
	for i := 0; d.n == 0 || i < d.n; i++ {
		celsius += (random.Float64() - 0.5) / 2
		data, err := json.Marshal(reading{float64(int(celsius*10)) / 10})
		if err != nil {
			return err
		}
		err = c.Publish(ctx,
			&paho.Publish{Topic: "sensors/" + d.name + "/reading", QoS: 1, Payload: data})
		if errors.Is(err, aio.ErrCancelled) || d.n > 0 && err != nil {
			return err
		}
		if err := aio.Sleep(ctx, d.every); err != nil {
			return err
		}
	}
	return nil
}
