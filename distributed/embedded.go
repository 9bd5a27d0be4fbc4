package distributed

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Broker is a broker in this process, see [Embedded].
type Broker struct {
	dir    string
	listen string
	token  string
}

// Embedded is a NATS server in this process that stores its jobs in the folder dir. It takes no
// connections of other programs unless Listen says so.
func Embedded(dir string) Broker { return Broker{dir: dir} }

// Listen returns a broker that other programs can connect to: at an address such as
// "127.0.0.1:4222", with port 0 at any free one. A program that connects can submit and read jobs,
// so a token that is not empty has to be in their URL: nats://TOKEN@127.0.0.1:4222.
func (b Broker) Listen(address, token string) Broker {
	b.listen, b.token = address, token
	return b
}

// start starts the server. It blocks until the server is ready.
func (b Broker) start() (*server.Server, error) {
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return nil, err
	}
	opts := &server.Options{
		ServerName: "aio-embedded", JetStream: true, StoreDir: b.dir, DontListen: b.listen == "",
		NoSigs: true, NoLog: true, Authorization: b.token, MaxPayload: 1 << 20,
	}
	if b.listen != "" {
		host, port, err := net.SplitHostPort(b.listen)
		if err != nil {
			return nil, err
		}
		if opts.Host, opts.Port = host, server.RANDOM_PORT; port != "0" {
			if opts.Port, err = strconv.Atoi(port); err != nil {
				return nil, fmt.Errorf("the port of %q is no number", b.listen)
			}
		}
	}
	s, err := server.NewServer(opts)
	if err != nil {
		return nil, err
	}
	s.Start()
	if !s.ReadyForConnections(20 * time.Second) {
		s.Shutdown()
		return nil, fmt.Errorf("%w: the embedded server did not start; is %s in use, or its "+
			"address %q taken?", ErrUnavailable, b.dir, b.listen)
	}
	return s, nil
}
