package realm_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/aio-go/aio/internal/realm"
)

func TestAddressesThatAreNotPublic(t *testing.T) {
	if realm.Of(netip.Addr{}) != realm.Local {
		t.Error("what is no address has a place")
	}
	for want, addresses := range map[string]string{
		"public":            "1.1.1.1 8.8.8.8 172.15.255.255 172.32.0.0 100.63.255.255 192.167.0.1 223.255.255.255 2606:4700::1111 2a00::1 64:ff9b::8.8.8.8 2002:808:808::1 ::ffff:8.8.8.8",
		"private":           "10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 100.64.0.1 100.127.255.255 fc00::1 fd12:3456::1 fec0::1 ::ffff:10.0.0.1 64:ff9b::10.0.0.1 2002:a00:1::1 ::10.0.0.1 fd00:ec2::254",
		"local or reserved": "127.0.0.1 127.255.255.255 0.0.0.0 0.1.2.3 169.254.169.254 192.0.2.1 198.18.0.1 224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255 ::1 :: fe80::1 fe80::1%eth0 ff02::1 2001:db8::1 ::ffff:127.0.0.1 ::ffff:169.254.169.254 64:ff9b::127.0.0.1 64:ff9b:1::1 2002:7f00:1::1 ::127.0.0.1 2001::1 100::1 198.51.100.1 203.0.113.9 192.88.99.1 3fff::1 ::ffff:0:127.0.0.1 64:ff9b:1:7f00:0:100::",
	} {
		for address := range strings.FieldsSeq(addresses) {
			if got := realm.Of(netip.MustParseAddr(address)).String(); got != want {
				t.Errorf("%s is %s, want %s", address, got, want)
			}
		}
	}
}
