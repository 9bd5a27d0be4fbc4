package sys

// Error makes errors.Is know an error of the system by the name that it has elsewhere:
// syscall.ECONNRESET for WSAECONNRESET and so on. Other errors, and nil, come back as they are.
func Error(err error) error { return translate(err, translation) }

// DatagramError is Error for errors of sending and receiving datagrams.
func DatagramError(err error) error { return translate(err, ofDatagrams) }
