package main

import "embed"

//go:embed rival_tokio/Cargo.toml rival_tokio/src
var tokioSources embed.FS

// tokio has two programs on Rust's tokio.
var tokio = newCargoProject("tokio", tokioSources)

// tokioEntrant is Rust's tokio, once cargo has built it. With GOMAXPROCS=1 it
// is tokio's current-thread runtime.
func tokioEntrant() *entrant { return tokio.entrant("rival-tokio", middleBudget) }

// netTokioEntrant is tokio in the suite net, where it has the current-thread
// runtime whatever GOMAXPROCS is.
func netTokioEntrant() *entrant { return tokio.entrant("rival-tokio-net", 0) }
