package main

import (
	"context"
	"hash/fnv"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/aio-go/aio/transport"
)

// nameserver is a name server without data: it invents its answers, and takes its time for them. It
// is a protocol, so it has no task: the loop calls it for each question.
type nameserver struct {
	transport.BaseDatagramProtocol
	transport transport.DatagramTransport
	pending   int // answers that are being thought about
	// make invents the answer for a domain, without the dot at its end.
	make func(domain string) (exists bool, delay time.Duration)
}

// mostPending is how many questions are answered at the same time.
const mostPending = 1000

// startNameserver starts a name server on this machine. It is closed with the loop at the latest.
func startNameserver(ctx context.Context) (*nameserver, error) {
	s := &nameserver{make: madeUp}
	_, err := transport.Endpoint(ctx, "udp4", "127.0.0.1:0", "", s)
	return s, err
}

// addr is where it listens.
func (s *nameserver) addr() string { return s.transport.LocalAddr().String() }

// Close stops it.
func (s *nameserver) Close() { s.transport.Close() }

// ConnectionMade implements transport.DatagramProtocol.
func (s *nameserver) ConnectionMade(t transport.DatagramTransport) { s.transport = t }

// DatagramReceived implements transport.DatagramProtocol.
func (s *nameserver) DatagramReceived(p []byte, from netip.AddrPort) {
	if s.pending >= mostPending {
		return // a client that asks that much gets no answer, which name servers may do
	}
	var parser dnsmessage.Parser
	head, err := parser.Start(p)
	if err != nil || head.Response {
		return // no question
	}
	question, err := parser.Question()
	if err != nil {
		return
	}
	exists, delay := s.make(strings.TrimSuffix(strings.ToLower(question.Name.String()), "."))
	if delay < 0 {
		return // no answer at all
	}
	reply, err := reply(head, question, exists)
	if err != nil {
		return
	}
	s.pending++
	s.transport.Loop().CallLater(delay, func() {
		s.pending--
		s.transport.SendTo(reply, from)
	})
}

// reply packs an answer: an address of this machine for a name that exists.
func reply(head dnsmessage.Header, question dnsmessage.Question, exists bool) ([]byte, error) {
	message := dnsmessage.Message{
		Header: dnsmessage.Header{ID: head.ID, Response: true, Authoritative: true,
			RecursionDesired: head.RecursionDesired, RecursionAvailable: true},
		Questions: []dnsmessage.Question{question},
	}
	about := dnsmessage.ResourceHeader{
		Name:  question.Name,
		Type:  question.Type,
		Class: question.Class,
		TTL:   60,
	}
	switch {
	case !exists:
		message.RCode = dnsmessage.RCodeNameError
	case question.Type == dnsmessage.TypeA:
		message.Answers = []dnsmessage.Resource{{Header: about,
			Body: &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}}}}
	case question.Type == dnsmessage.TypeAAAA:
		message.Answers = []dnsmessage.Resource{{Header: about,
			Body: &dnsmessage.AAAAResource{AAAA: [16]byte{15: 1}}}}
	}
	return message.Pack()
}

// madeUp says that two names of three are taken, after up to half a second; the same each time.
var madeUp = func(domain string) (exists bool, delay time.Duration) {
	h := fnv.New32a()
	h.Write([]byte(domain))
	n := h.Sum32()
	return n%3 != 0, 50*time.Millisecond + time.Duration(n%450)*time.Millisecond
}
