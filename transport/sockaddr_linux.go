package transport

import (
	"net"
	"net/netip"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

func streamSocket(family int) (int, error) {
	fd, err := syscall.Socket(family,
		syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	reserveDescriptors(fd)
	return fd, err
}

func family(sa syscall.Sockaddr) int {
	switch sa.(type) {
	case *syscall.SockaddrInet4:
		return syscall.AF_INET
	case *syscall.SockaddrInet6:
		return syscall.AF_INET6
	}
	return syscall.AF_UNIX
}

func sockaddr(a netip.AddrPort) (syscall.Sockaddr, error) {
	ip, port := a.Addr(), int(a.Port())
	if ip.Is4() {
		return &syscall.SockaddrInet4{Addr: ip.As4(), Port: port}, nil
	}
	sa := &syscall.SockaddrInet6{Addr: ip.As16(), Port: port}
	if zone := ip.Zone(); zone != "" {
		id, err := zoneID(zone)
		if err != nil {
			return nil, err
		}
		sa.ZoneId = id
	}
	return sa, nil
}

// zoneID returns the number of the network interface a zone names.
func zoneID(zone string) (uint32, error) {
	if ifi, err := net.InterfaceByName(zone); err == nil {
		return uint32(ifi.Index), nil
	}
	id, err := strconv.ParseUint(zone, 10, 32)
	if err != nil {
		return 0, &net.AddrError{Err: "no such zone", Addr: zone}
	}
	return uint32(id), nil
}

func fromSockaddr(sa syscall.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *syscall.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *syscall.SockaddrInet6:
		ip := netip.AddrFrom16(sa.Addr).Unmap()
		if sa.ZoneId != 0 && ip.Is6() {
			zone := strconv.FormatUint(uint64(sa.ZoneId), 10)
			if ifi, err := net.InterfaceByIndex(int(sa.ZoneId)); err == nil {
				zone = ifi.Name
			}
			ip = ip.WithZone(zone)
		}
		return netip.AddrPortFrom(ip, uint16(sa.Port))
	}
	return netip.AddrPort{}
}

// soReusePort is SO_REUSEPORT, which package syscall lacks on most architectures.
func soReusePort() int {
	if strings.HasPrefix(runtime.GOARCH, "mips") {
		return 0x200
	}
	return 0xf
}
