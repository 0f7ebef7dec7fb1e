// SPDX-License-Identifier: Apache-2.0
// The demo page: log in by token, join a channel, chat, see refusals and every frame. Text from outside reaches the page
// through textContent alone. The token lives in one variable of this tab and is not shown in the list of frames.
"use strict";

const FRAMES_MAX = 200;
const MESSAGES_MAX = 200;

const $ = (id) => document.getElementById(id);
const url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`;

let socket = null;
let token = "";
let user = "";
let joined = "";        // the channel we are subscribed to
let nextId = 1;
const waiting = new Map(); // id of a request -> what it was

const closeWords = {
  1000: "The connection was closed normally.",
  1001: "The server is going away.",
  1002: "The server saw a break of the WebSocket protocol.",
  1006: "The connection ended without a goodbye. Is the server running, and is its certificate accepted?",
  1008: "The server's policy ended the connection.",
  1009: "A message was too big.",
  1012: "The server restarts.",
  1013: "The server is too busy; try again later.",
  4001: "The login has expired; get a new token.",
  4003: "This client is not allowed.",
};

function element(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

function append(list, item, max) {
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  list.append(item);
  while (list.childElementCount > max) list.firstElementChild.remove();
  if (atEnd) list.scrollTop = list.scrollHeight;
}

function duration(seconds) {
  const minutes = Math.floor(seconds / 60);
  return minutes >= 120 ? `${Math.floor(minutes / 60)} h` : minutes > 0 ? `${minutes} min` : `${Math.floor(seconds)} s`;
}

function showState(state, text) {
  $("state").dataset.state = state;
  $("state-text").textContent = text;
}

function logFrame(kind, text) {
  const item = element("li", kind);
  item.append(element("span", "arrow", { sent: "↑", received: "↓", closed: "■" }[kind]));
  item.append(element("time", "", new Date().toISOString().slice(11, 23)));
  item.append(element("code", "", text));
  append($("frames"), item, FRAMES_MAX);
}

function send(message, shown = message) {
  socket.send(JSON.stringify(message));
  logFrame("sent", JSON.stringify(shown));
}

function request(message) {
  const id = nextId++;
  waiting.set(id, message);
  send({ ...message, id });
}

function logIn() {
  showState("busy", "logging in");
  send({ type: "auth", token }, { type: "auth", token: `${token.slice(0, 4)}… (${token.length} characters)` });
}

function connect() {
  $("closed").hidden = true;
  $("token").value = "";
  showState("busy", "connecting");
  waiting.clear();
  const current = new WebSocket(url);
  socket = current;
  current.addEventListener("open", () => {
    if (token) logIn();
    else showState("busy", "connected, waiting for a token");
  });
  current.addEventListener("message", (event) => {
    logFrame("received", event.data);
    let message;
    try {
      message = JSON.parse(event.data);
    } catch {
      return; // shown as it came; the protocol has JSON objects only
    }
    if (message && Object.hasOwn(handlers, message.type)) handlers[message.type](message);
  });
  current.addEventListener("close", (event) => {
    if (current === socket) showClosed(event);
  });
}

function showClosed(event) {
  const wasLoggedIn = user !== "";
  logFrame("closed", `close ${event.code}${event.reason ? ` ${event.reason}` : ""}`);
  showState(event.code === 1000 ? "offline" : "failed", "not connected");
  socket = null;
  user = "";
  setJoined("");
  $("session").hidden = true;
  $("chat").hidden = true;
  $("login").hidden = false;
  $("ping").disabled = true;
  $("connect").disabled = false;
  $("closed").classList.toggle("calm", event.code === 1000);
  $("closed-title").textContent = `Closed: ${event.code}${event.reason ? ` ${event.reason}` : ""}.`;
  $("closed-text").textContent = closeWords[event.code] ?? "";
  $("closed").hidden = false;
  if (!wasLoggedIn) $("token").focus();
}

function setJoined(channel) {
  joined = channel;
  $("chat-title").textContent = channel ? `In ${channel}` : "Rooms";
  $("say").disabled = $("send").disabled = !channel;
  $("say").placeholder = channel ? `Say something in ${channel}` : "Join a room first";
  for (const chip of document.querySelectorAll(".chip"))
    chip.setAttribute("aria-pressed", String(chip.dataset.channel === channel));
}

function join(channel) {
  $("refusal").hidden = true;
  $("channel").value = channel;
  if (channel !== joined) request({ type: "subscribe", channel });
}

function addNote(text) {
  append($("messages"), element("li", "note", text), MESSAGES_MAX);
}

const handlers = {
  welcome(message) {
    const lifetime = Number(message.expires_in);
    user = String(message.user);
    showState("online", `connected as ${user}`);
    $("avatar").textContent = user.slice(0, 1);
    $("session-title").textContent = user;
    $("session-text").textContent = `roles: ${[].concat(message.roles ?? []).join(", ") || "none"}`
      + (Number.isFinite(lifetime) ? ` · token valid for ${duration(lifetime)}` : "");
    $("login").hidden = true;
    $("session").hidden = false;
    $("chat").hidden = false;
    $("ping").disabled = false;
    $("messages").replaceChildren();
    $("channel").focus();
  },
  subscribed(message) {
    waiting.delete(message.id);
    const before = joined;
    setJoined(String(message.channel));
    addNote(`joined ${message.channel}`);
    if (before) request({ type: "unsubscribe", channel: before });
    $("say").focus();
  },
  unsubscribed(message) {
    waiting.delete(message.id);
    addNote(`left ${message.channel}`);
  },
  ack(message) {
    waiting.delete(message.id);
  },
  message(message) {
    const from = String(message.from?.user ?? "server");
    const text = typeof message.data?.text === "string" ? message.data.text : JSON.stringify(message.data);
    const item = element("li", from === user ? "mine" : "");
    item.append(element("span", "by", from), text);
    append($("messages"), item, MESSAGES_MAX);
  },
  error(message) {
    const asked = waiting.get(message.id);
    waiting.delete(message.id);
    $("refusal-title").textContent = asked?.type === "subscribe" ? `Not allowed to join ${asked.channel}.`
      : asked?.type === "publish" ? "Message not sent." : "The server refused.";
    $("refusal-text").textContent = `The server says: ${message.message} (${message.code})`;
    $("refusal").hidden = false;
  },
};

$("login-form").addEventListener("submit", (event) => {
  event.preventDefault();
  token = $("token").value.trim();
  $("connect").disabled = true;
  if (socket?.readyState === WebSocket.OPEN) {
    $("token").value = "";
    logIn();
  } else {
    connect();
  }
});
$("reconnect").addEventListener("click", () => {
  $("connect").disabled = true;
  connect();
});
$("leave").addEventListener("click", () => socket?.close(1000));
$("join-form").addEventListener("submit", (event) => {
  event.preventDefault();
  join($("channel").value.trim());
});
for (const chip of document.querySelectorAll(".chip"))
  chip.addEventListener("click", () => join(chip.dataset.channel));
$("refusal-close").addEventListener("click", () => { $("refusal").hidden = true; });
$("say-form").addEventListener("submit", (event) => {
  event.preventDefault();
  request({ type: "publish", channel: joined, data: { text: $("say").value } });
  $("say").value = "";
});
$("ping").addEventListener("click", () => request({ type: "ping" }));
$("clear").addEventListener("click", () => $("frames").replaceChildren());

handlers.pong = handlers.ack;

// A link from the terminal carries the token behind the #, which no browser sends to a server. It leaves the address bar
// and the history at once. Without a token the connection stands all the same, for as long as the server waits for a first message.
token = new URLSearchParams(location.hash.slice(1)).get("token") ?? "";
if (location.hash) history.replaceState(null, "", location.pathname);
$("connect").disabled = token !== "";
connect();
