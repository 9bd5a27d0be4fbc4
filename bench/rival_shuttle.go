package main

import "embed"

//go:embed rival_shuttle/Cargo.toml rival_shuttle/src
var shuttleSources embed.FS

// shuttle has the programs of the suite aiotest on shuttle, which explores the
// schedules of Rust's threads and async tasks.
var shuttle = newCargoProject("shuttle", shuttleSources)

// shuttleEntrant is shuttle, once cargo has built it. It uses one thread
// whatever GOMAXPROCS is.
func shuttleEntrant() *entrant { return shuttle.entrant("rival-shuttle", middleBudget) }
