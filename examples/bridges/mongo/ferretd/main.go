// Ferretd is FerretDB 1.24, which speaks MongoDB's protocol and keeps its data in SQLite. It is the
// server of the test one folder up. It is a module of its own, since it takes minutes to compile.
// Install it with
//
//	cd examples/bridges/mongo/ferretd && GOWORK=off go install .
package main

import (
	"context"
	"log"
	"os"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: ferretd ADDRESS FOLDER")
	}
	server, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{TCP: os.Args[1]},
		Handler:   "sqlite",
		SQLiteURL: "file:" + os.Args[2] + "/",
	})
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(server.Run(context.Background()))
}
