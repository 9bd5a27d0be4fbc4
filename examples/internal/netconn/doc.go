// Package netconn holds stream.NetConn to the test that golang.org/x/net has for every net.Conn.
package netconn
