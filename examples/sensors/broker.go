package main

import (
	"context"
	"log/slog"
	"net"
	"net/url"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"
	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"

	"github.com/aio-go/aio"
)

// broker is an MQTT broker in this process, on goroutines of its own. It keeps nothing on disk.
type broker struct {
	server *mochi.Server
	url    *url.URL
}

// largest is the largest MQTT packet that the broker takes, in bytes.
const largest = 4 << 10

func startBroker(addr string, connections int) (*broker, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	bounds := mochi.NewDefaultServerCapabilities()
	bounds.MaximumClients = int64(connections)
	bounds.MaximumPacketSize = largest
	b := &broker{
		server: mochi.New(&mochi.Options{
			Capabilities: bounds, Logger: slog.New(slog.DiscardHandler),
		}),
		url: &url.URL{Scheme: "mqtt", Host: ln.Addr().String()},
	}
	for _, err := range []error{
		b.server.AddHook(new(auth.AllowHook), nil),
		b.server.AddListener(listeners.NewNet("net", ln)),
		b.server.Serve(),
	} {
		if err != nil {
			ln.Close()
			return nil, err
		}
	}
	return b, nil
}

// close also works in a cancelled task.
func (b *broker) close(ctx context.Context) {
	_ = aio.Blocking(context.WithoutCancel(ctx), func(context.Context) error {
		return b.server.Close()
	})
}

type clientConfig = autopaho.ClientConfig

// clientOf is the configuration of a client that connects again whenever it has to.
func clientOf(u *url.URL, id string) clientConfig {
	config := clientConfig{
		ServerUrls:       []*url.URL{u},
		KeepAlive:        20,
		ReconnectBackoff: func(int) time.Duration { return 500 * time.Millisecond },
		ClientConfig:     paho.ClientConfig{ClientID: id, PacketTimeout: 10 * time.Second},
	}
	if u.User != nil {
		config.ConnectUsername = u.User.Username()
		password, _ := u.User.Password()
		config.ConnectPassword = []byte(password)
	}
	return config
}
