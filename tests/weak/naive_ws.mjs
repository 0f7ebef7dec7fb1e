// SPDX-License-Identifier: Apache-2.0
// A server that is weak on purpose, as samples on the web are, for tests of `gateward audit`. Never run it elsewhere. Prints its
// port, and ends when its stdin does.
import { WebSocketServer } from "ws";

const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: true });
server.on("connection", (ws) => {
    ws.on("error", () => {});
    ws.on("message", (data) => {
        const message = JSON.parse(data);       // the hole: whoever sends anything else ends the process
        for (const client of server.clients)
            client.send(JSON.stringify({ type: "message", from: message }));
    });
});
server.on("listening", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit(0)).resume();
