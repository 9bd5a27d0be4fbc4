package aiowebsocket

// AcceptKey is the answer to the key of a handshake.
var AcceptKey = acceptKey
