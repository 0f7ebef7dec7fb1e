// SPDX-License-Identifier: Apache-2.0
// A gateward from a configuration, with its internal API, for the browser tests; and a certificate of its own for https pages.
import { execFileSync, spawn } from "node:child_process";
import { createHash, randomBytes, X509Certificate } from "node:crypto";
import fs from "node:fs";
import http from "node:http";
import path from "node:path";

const SANITIZERS = { ASAN_OPTIONS: "detect_leaks=1:exitcode=99", UBSAN_OPTIONS: "halt_on_error=1:exitcode=99" };
export const ROOMY = { connections: { total: 4000, per_ip: 4000 }, handshakes: { per_second: 100000, burst: 100000 },
  messages: { per_minute: 1000000, per_hour: 10000000 } };

export function writePrivate(file, text) {
  fs.writeFileSync(file, text, { mode: 0o600 });
  return file;
}

// server.crt and server.key in the folder; `hash` is how Chromium is told to take this one certificate.
export function makeCertificate(folder, names) {
  const cert = path.join(folder, "server.crt"), key = path.join(folder, "server.key");
  execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "7",
    "-subj", "/CN=gateward test", "-addext", `subjectAltName=${names.map((name) => `DNS:${name}`).join()}`,
    "-keyout", key, "-out", cert], { stdio: "ignore" });
  fs.chmodSync(key, 0o600);
  const der = new X509Certificate(fs.readFileSync(cert)).publicKey.export({ type: "spki", format: "der" });
  return { cert, key, hash: createHash("sha256").update(der).digest("base64") };
}

// However this program ends, the child does not outlive it.
export function endWithUs(child) {
  process.once("exit", () => child.kill("SIGKILL"));
  return child;
}

// POST to an internal API on a Unix socket.
function post(socketPath, key, where, body) {
  return new Promise((resolve, reject) => {
    const text = JSON.stringify(body);
    const headers = { Host: "localhost", Authorization: `Bearer ${key}`, "Content-Type": "application/json",
      "Content-Length": Buffer.byteLength(text) };
    const request = http.request({ socketPath, path: where, method: "POST", headers }, (answer) => {
      let said = "";
      answer.on("data", (piece) => { said += piece; });
      answer.on("end", () => (answer.statusCode === 200 ? resolve(JSON.parse(said)) : reject(new Error(`${where}: ${said}`))));
    });
    request.on("error", reject);
    request.end(text);
  });
}

// `gateward serve` in a folder of its own; `config` holds what differs from one listener, one key and a public channel.
export async function startGateward(binary, folder, config) {
  fs.mkdirSync(path.join(folder, "state"), { recursive: true, mode: 0o700 });
  const key = randomBytes(36).toString("base64url");
  const socket = path.join(folder, "api.sock");
  const whole = {
    server: { workers: 2, drain: "1s", state_dir: "state" },
    listen: [{ address: "127.0.0.1:0" }],
    internal: { address: `unix:${socket}`, keys: [{ name: "test", scopes: ["sessions", "revoke", "publish:public:*"],
      secret: { file: writePrivate(path.join(folder, "api.key"), key) } }] },
    roles: { user: ["read", "write"] },
    channels: [{ pattern: "public:chat" }],
    limits: ROOMY,
    log: { events: "events.jsonl", level: "info" },
    ...config,
  };
  const file = writePrivate(path.join(folder, "gateward.yaml"), JSON.stringify(whole));
  const child = endWithUs(spawn(binary, ["serve", "-c", file], { cwd: folder, stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, ...SANITIZERS } }));
  const ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve(code ?? signal)));
  let said = "";
  const port = await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`gateward does not listen:\n${said}`)), 30000);
    child.stderr.on("data", (chunk) => {
      said += chunk;
      const found = /listening on wss?:\/\/[^:\s]+:(\d+)/.exec(said);
      if (found && said.includes("internal API at")) {
        clearTimeout(timer);
        resolve(Number(found[1]));
      }
    });
    child.on("error", reject);
    ended.then((code) => reject(new Error(`gateward ended with ${code}:\n${said}`)));
  });
  return {
    port,
    api: (where, body) => post(socket, key, where, body),
    events: () => fs.readFileSync(path.join(folder, "events.jsonl"), "utf8").split("\n").slice(0, -1).map((l) => JSON.parse(l)),
    async stop() {
      child.kill("SIGTERM");
      const code = await ended;
      return code === 0 ? "" : `exit ${code}: ${said.slice(-2000)}`;
    },
  };
}
