// SPDX-License-Identifier: Apache-2.0

// A small server on the centrifuge library, in its own JSON protocol: whoever connects may subscribe to and publish in
// every channel. One thread runs Go code; no log, no compression, no history.
//
//	bench PORT CERT KEY      CERT "-" means plain
package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/centrifugal/centrifuge"
)

func listener(port, cert, key string) (net.Listener, error) {
	if cert == "-" {
		return net.Listen("tcp", "127.0.0.1:"+port)
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, err
	}
	return tls.Listen("tcp", "127.0.0.1:"+port,
		&tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS13, NextProtos: []string{"http/1.1"}})
}

func run(port, cert, key string) error {
	node, err := centrifuge.New(centrifuge.Config{LogLevel: centrifuge.LogLevelNone})
	if err != nil {
		return err
	}
	node.OnConnecting(func(context.Context, centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
		return centrifuge.ConnectReply{
			Credentials:    &centrifuge.Credentials{UserID: "alice"},
			PingPongConfig: &centrifuge.PingPongConfig{PingInterval: -1},
		}, nil
	})
	node.OnConnect(func(client *centrifuge.Client) {
		client.OnSubscribe(func(_ centrifuge.SubscribeEvent, answer centrifuge.SubscribeCallback) {
			answer(centrifuge.SubscribeReply{}, nil)
		})
		client.OnPublish(func(_ centrifuge.PublishEvent, answer centrifuge.PublishCallback) {
			answer(centrifuge.PublishReply{}, nil)
		})
	})
	if err := node.Run(); err != nil {
		return err
	}
	handler := http.NewServeMux()
	handler.Handle("/ws", centrifuge.NewWebsocketHandler(node, centrifuge.WebsocketConfig{}))
	at, err := listener(port, cert, key)
	if err != nil {
		return err
	}
	fmt.Println("ready")
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 30 * time.Second}
	return server.Serve(at)
}

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: bench PORT CERT KEY")
		os.Exit(2)
	}
	fmt.Fprintln(os.Stderr, run(os.Args[1], os.Args[2], os.Args[3]))
	os.Exit(1)
}
