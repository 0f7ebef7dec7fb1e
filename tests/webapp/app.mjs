// SPDX-License-Identifier: Apache-2.0
// A web application as gateward finds them: express-session with connect-redis, one route each for login, page and logout. It
// knows of gateward only that the internal API gives out CSRF tokens; the sessions that gateward reads are those of express.
//
// usage: node app.mjs SETTINGS.json, which holds {redis, secrets, max_age_ms, api: {socket, key_file}, chat};
// the first line that it prints is its port. SIGHUP reads the secrets and the chat's address again.
import fs from "node:fs";
import http from "node:http";
import { RedisStore } from "connect-redis";
import express from "express";
import session from "express-session";
import { createClient } from "redis";

const settings = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const ROLES = { alice: ["user", "moderator"] };

const client = createClient({ socket: { path: settings.redis } });
client.on("error", () => {}); // it connects again by itself
await client.connect();

let chat;
function sessions() {
  const { secrets, ...more } = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
  chat = more.chat ?? "ws://localhost:1/";
  return session({
    store: new RedisStore({ client }),
    secret: secrets, // signed with the first, verified with any
    resave: false,
    saveUninitialized: false,
    cookie: { httpOnly: true, sameSite: "lax", maxAge: settings.max_age_ms ?? 3600 * 1000 },
  });
}

// POST to gateward's internal API on its Unix socket.
function askGateward(path, body) {
  return new Promise((resolve, reject) => {
    const text = JSON.stringify(body);
    const request = http.request({
      socketPath: settings.api.socket, path, method: "POST",
      headers: {
        Host: "localhost", "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text),
        Authorization: `Bearer ${fs.readFileSync(settings.api.key_file, "utf8").trim()}`,
      },
    }, (answer) => {
      let said = "";
      answer.on("data", (piece) => { said += piece; });
      answer.on("end", () => (answer.statusCode === 200 ? resolve(JSON.parse(said)) : reject(new Error(said))));
    });
    request.on("error", reject);
    request.end(text);
  });
}

const PAGE = (user, csrf, chat) => `<!doctype html>
<meta charset="utf-8"><meta name="csrf-token" content="${csrf}"><title>chat of ${user}</title>
<h1>Hello, ${user}</h1><p id="state">connecting</p><ul id="said"></ul>
<form method="post" action="/logout"><button id="logout">Log out</button></form>
<script>
  const state = document.getElementById("state");
  const socket = new WebSocket(${JSON.stringify(chat)});
  socket.onopen = () => socket.send(JSON.stringify({
    type: "auth", csrf: document.querySelector("meta[name=csrf-token]").content }));
  socket.onmessage = (event) => {
    const message = JSON.parse(event.data);
    if (message.type === "welcome") {
      state.textContent = "connected as " + message.user;
      socket.send(JSON.stringify({ type: "subscribe", channel: "public:chat" }));
    } else if (message.type === "message") {
      const line = document.createElement("li");
      line.textContent = message.data.text;
      document.getElementById("said").append(line);
    }
  };
  socket.onclose = (event) => { state.textContent = "closed: " + event.code + " " + event.reason; };
</script>`;

const app = express();
let useSessions = sessions();
process.on("SIGHUP", () => { useSessions = sessions(); });
app.disable("x-powered-by");
app.use(express.urlencoded({ extended: false }));
app.use((request, answer, next) => useSessions(request, answer, next));

app.get("/", (request, answer) => answer.send(`<!doctype html><title>login</title>
<form method="post" action="/login"><input name="user" autofocus><button id="login">Log in</button></form>`));

app.post("/login", (request, answer, next) => {
  const user = String(request.body.user);
  request.session.regenerate((fault) => {
    if (fault) return next(fault);
    if (request.body.style === "passport") {
      request.session.passport = { user };
    } else {
      request.session.user = user;
      request.session.at = Date.now();
      request.session.roles = ROLES[user] ?? ["user"];
    }
    return answer.redirect(303, "/page");
  });
});

// A visitor's session: there is one, but nobody is logged in.
app.get("/basket", (request, answer) => {
  request.session.basket = ["tea"];
  answer.send("one tea");
});

app.get("/page", async (request, answer) => {
  const user = request.session.user ?? request.session.passport?.user;
  if (!user) return answer.status(401).send("log in first");
  const { csrf } = await askGateward("/api/csrf", { session: request.sessionID, origin: `http://${request.headers.host}` });
  return answer.set("Cache-Control", "no-store").send(PAGE(user, csrf, chat));
});

app.post("/logout", (request, answer, next) => {
  request.session.destroy((fault) => (fault ? next(fault) : answer.clearCookie("connect.sid").set("X-Ended-At", String(Date.now())).send("bye")));
});

app.use((fault, request, answer, _next) => answer.status(500).send(fault.message));

const server = app.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit(0)).resume(); // whoever started it has gone
