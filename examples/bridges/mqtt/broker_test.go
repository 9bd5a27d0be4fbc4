//go:build unix

package mqtt

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	broker "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/hooks/storage"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"
)

// diary lets mochi's sessions outlive the death of its process. It appends what happens to a file,
// in which the system keeps it, and reads the file at the start.
//
// It is there because version 2.7.9 loses acknowledged messages otherwise. Without a store they are
// lost with the process. The stores on Bolt, Pebble and Redis do not keep the packet IDs of
// messages, so after a start all messages of a session but one are gone. And whatever the store, the
// broker acknowledges a message before it hands it to the sessions. So the diary notes a message in
// OnPublish, which comes before the acknowledgement. What has not come to OnPublished is published
// again after the start, and may then arrive twice. At last, a message that is published while a
// client takes over its session may go to the session that is given up. So that has to wait.
type diary struct {
	broker.HookBase

	mu   sync.Mutex // guards the rest
	file *os.File
	rows map[string]json.RawMessage

	publishing map[*broker.Client]bool // between OnPublish and OnPublished
	taking     map[*broker.Client]bool // between OnSessionEstablish and OnSessionEstablished
}

// row is a line of the file: a key with its value, or without if it is deleted.
type row struct {
	Key   string
	Value json.RawMessage `json:",omitempty"`
}

// The first parts of keys.
const (
	clientRow       = "client/"
	subscriptionRow = "subscription/"
	messageRow      = "message/"
	pendingRow      = "pending/"
)

func openDiary(name string) (*diary, error) {
	d := &diary{rows: map[string]json.RawMessage{},
		publishing: map[*broker.Client]bool{}, taking: map[*broker.Client]bool{}}
	var err error
	if d.file, err = os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600); err != nil {
		return nil, err
	}
	for lines := bufio.NewReader(d.file); ; {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			break // the last line may be torn
		}
		var r row
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, err
		}
		d.apply(r)
	}
	return d, nil
}

func (d *diary) apply(r row) {
	if r.Value == nil {
		delete(d.rows, r.Key)
	} else {
		d.rows[r.Key] = r.Value
	}
}

// write notes a value, or the end of a key if v is nil.
func (d *diary) write(key string, v any) {
	r := row{Key: key}
	if v != nil {
		r.Value, _ = json.Marshal(v)
	}
	line, _ := json.Marshal(r)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.apply(r)
	if _, err := d.file.Write(append(line, '\n')); err != nil {
		panic(err)
	}
}

// stored returns the values whose keys begin with prefix, in the order of the keys.
func stored[T any](d *diary, prefix string) (all []T, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var keys []string
	for key := range d.rows {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	for _, key := range keys {
		var v T
		if err := json.Unmarshal(d.rows[key], &v); err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

func (d *diary) ID() string { return "diary" }

func (d *diary) Provides(b byte) bool {
	return slices.Contains([]byte{
		broker.OnSessionEstablish, broker.OnSessionEstablished, broker.OnDisconnect, broker.OnSubscribed, broker.OnUnsubscribed, broker.OnPublish,
		broker.OnPublished, broker.OnQosPublish, broker.OnQosComplete, broker.OnQosDropped,
		broker.StoredClients, broker.StoredSubscriptions, broker.StoredInflightMessages,
	}, b)
}

// enter waits until nobody is in other, and puts the client into own.
func (d *diary) enter(cl *broker.Client, own, other map[*broker.Client]bool) {
	for {
		d.mu.Lock()
		for c := range other { // there is no hook for one that breaks off while it connects
			if c.Closed() && !d.publishing[c] {
				delete(other, c)
			}
		}
		if len(other) == 0 {
			own[cl] = true
			d.mu.Unlock()
			return
		}
		d.mu.Unlock()
		time.Sleep(time.Millisecond) // nothing tells of a client that breaks off
	}
}

func (d *diary) leave(cl *broker.Client, own map[*broker.Client]bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(own, cl)
}

func (d *diary) OnSessionEstablish(cl *broker.Client, _ packets.Packet) {
	d.enter(cl, d.taking, d.publishing)
}

func (d *diary) OnDisconnect(cl *broker.Client, _ error, _ bool) {
	d.leave(cl, d.publishing) // if it could not be told
}

func (d *diary) OnSessionEstablished(cl *broker.Client, _ packets.Packet) {
	d.leave(cl, d.taking)
	d.write(clientRow+cl.ID, storage.Client{
		ID: cl.ID, Listener: cl.Net.Listener, ProtocolVersion: cl.Properties.ProtocolVersion,
		Properties: storage.ClientProperties{
			SessionExpiryInterval:     cl.Properties.Props.SessionExpiryInterval,
			SessionExpiryIntervalFlag: cl.Properties.Props.SessionExpiryIntervalFlag,
			ReceiveMaximum:            cl.Properties.Props.ReceiveMaximum,
		},
	})
}

func (d *diary) OnSubscribed(cl *broker.Client, pk packets.Packet, codes []byte) {
	for i, f := range pk.Filters {
		d.write(subscriptionRow+cl.ID+"/"+f.Filter,
			storage.Subscription{Client: cl.ID, Filter: f.Filter, Qos: codes[i]})
	}
}

func (d *diary) OnUnsubscribed(cl *broker.Client, pk packets.Packet) {
	for _, f := range pk.Filters {
		d.write(subscriptionRow+cl.ID+"/"+f.Filter, nil)
	}
}

func pendingKey(cl *broker.Client, pk packets.Packet) string {
	return fmt.Sprintf("%s%s/%05d", pendingRow, cl.ID, pk.PacketID)
}

func (d *diary) OnPublish(cl *broker.Client, pk packets.Packet) (packets.Packet, error) {
	if pk.FixedHeader.Qos > 0 && !cl.Net.Inline {
		d.enter(cl, d.publishing, d.taking)
		d.write(pendingKey(cl, pk), message(cl, pk))
	}
	return pk, nil
}

func (d *diary) OnPublished(cl *broker.Client, pk packets.Packet) {
	if pk.FixedHeader.Qos > 0 && !cl.Net.Inline {
		d.write(pendingKey(cl, pk), nil)
		d.leave(cl, d.publishing)
	}
}

func messageKey(cl *broker.Client, pk packets.Packet) string {
	return fmt.Sprintf("%s%s/%05d", messageRow, cl.ID, pk.PacketID)
}

func message(cl *broker.Client, pk packets.Packet) storage.Message {
	return storage.Message{
		Client: cl.ID, Origin: pk.Origin, FixedHeader: pk.FixedHeader, PacketID: pk.PacketID,
		TopicName: pk.TopicName, Payload: pk.Payload, Created: pk.Created,
	}
}

func (d *diary) OnQosPublish(cl *broker.Client, pk packets.Packet, _ int64, _ int) {
	d.write(messageKey(cl, pk), message(cl, pk))
}

func (d *diary) OnQosComplete(cl *broker.Client, pk packets.Packet) { d.write(messageKey(cl, pk), nil) }
func (d *diary) OnQosDropped(cl *broker.Client, pk packets.Packet)  { d.write(messageKey(cl, pk), nil) }

func (d *diary) StoredClients() ([]storage.Client, error) {
	return stored[storage.Client](d, clientRow)
}

func (d *diary) StoredSubscriptions() ([]storage.Subscription, error) {
	return stored[storage.Subscription](d, subscriptionRow)
}

func (d *diary) StoredInflightMessages() ([]storage.Message, error) {
	return stored[storage.Message](d, messageRow)
}

// serveDiary is the process of a broker that is killed.
func serveDiary(addr, name string) error {
	d, err := openDiary(name)
	if err != nil {
		return err
	}
	pending, err := stored[storage.Message](d, pendingRow)
	if err != nil {
		return err
	}
	b := broker.New(&broker.Options{
		Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)), InlineClient: true,
	})
	ln, err := net.Listen("tcp", addr) // its clients wait in line until it serves
	if err != nil {
		return err
	}
	for _, err := range []error{b.AddHook(new(auth.AllowHook), nil), b.AddHook(d, nil)} {
		if err != nil {
			return err
		}
	}
	if err := b.Serve(); err != nil { // it knows the sessions now
		return err
	}
	for _, m := range pending {
		if err := b.Publish(m.TopicName, m.Payload, false, m.FixedHeader.Qos); err != nil {
			return err
		}
		d.write(fmt.Sprintf("%s%s/%05d", pendingRow, m.Client, m.PacketID), nil)
	}
	l := listeners.NewNet("net", ln)
	if err := b.AddListener(l); err != nil {
		return err
	}
	l.Serve(b.EstablishConnection)
	select {}
}
