// SPDX-License-Identifier: Apache-2.0
// The same job on ws for Node.js, without compression: /echo sends back what comes; elsewhere "subscribe" is answered
// "subscribed", and everything else is said to all subscribers and answered "ack".
//
//   node server.mjs PORT CERT KEY      CERT "-" means plain
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { createRequire } from "node:module";

// The packages stand in the folder that is the working directory, not beside this file.
const { WebSocketServer } = createRequire(process.cwd() + "/")("ws");
const [port, cert, key] = process.argv.slice(2);
const server =
    cert === "-"
        ? http.createServer()
        : https.createServer({ cert: readFileSync(cert), key: readFileSync(key), minVersion: "TLSv1.3" });
const subscribers = new Set();

new WebSocketServer({ server, perMessageDeflate: false }).on("connection", (socket, request) => {
    socket.on("error", () => {});
    if (request.url === "/echo") {
        socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
        return;
    }
    socket.on("close", () => subscribers.delete(socket));
    socket.on("message", (data) => {
        const text = data.toString();
        if (text === "subscribe") {
            subscribers.add(socket);
            socket.send("subscribed");
            return;
        }
        for (const each of subscribers)
            each.send(text);
        socket.send("ack");
    });
});
server.listen(Number(port), "127.0.0.1", () => console.log("ready"));
