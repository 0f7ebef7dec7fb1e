// SPDX-License-Identifier: Apache-2.0
// The Express application of tests/webapp in Chromium: a user logs in with its form and its page connects to gateward by cookie and
// CSRF token; a logout in another tab closes the socket of this one, and nothing arrives later than a second after it.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

import { endWithUs, startGateward, writePrivate } from "./serve.mjs";

const APP = path.join(path.dirname(fileURLToPath(import.meta.url)), "../webapp/app.mjs");
const REDIS = "/usr/bin/redis-check-rdb"; // Debian's redis-tools has the server in it, and asks its argv[0] what it is
const CLOSE_MS = 2000, LAST_BYTE_MS = 1000;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function startRedis(socket) {
  const child = endWithUs(spawn(REDIS, ["--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no"],
    { argv0: "redis-server", stdio: "ignore" }));
  for (let i = 0; i < 500 && !fs.existsSync(socket); i++) await pause(20);
  return child;
}

async function startApp(file) {
  const child = endWithUs(spawn("node", [APP, file], { stdio: ["pipe", "pipe", "inherit"] }));
  const port = await new Promise((resolve, reject) => {
    child.stdout.once("data", (said) => resolve(Number(said)));
    child.once("exit", (code) => reject(new Error(`the application ended with ${code}`)));
  });
  return { child, port };
}

async function startHouse(binary, chromiumPath, pictures) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "gw-express-")); // short, for the names of sockets
  const house = { folder, pictures };
  const secret = randomBytes(36).toString("base64url");
  const socket = path.join(folder, "redis.sock"), file = path.join(folder, "app.json");
  const settings = { redis: socket, secrets: [secret],
    api: { socket: path.join(folder, "api.sock"), key_file: path.join(folder, "api.key") } };
  house.redis = await startRedis(socket);
  writePrivate(file, JSON.stringify(settings));
  house.app = await startApp(file);
  house.origin = `http://localhost:${house.app.port}`;
  house.gateward = await startGateward(binary, folder, {
    origins: [house.origin],
    auth: { sessions: { store: "redis", cookie: "connect.sid", insecure_cookie_name: true, redis: {
      url: `unix:${socket}`, decoder: "express", created: "/at", secret: { file: writePrivate(path.join(folder, "express"), secret) } } } },
    routes: [{ path: "/ws", auth: ["session"] }],
  });
  writePrivate(file, JSON.stringify({ ...settings, chat: `ws://localhost:${house.gateward.port}/ws` }));
  house.app.child.kill("SIGHUP");
  house.context = await chromium.launchPersistentContext(path.join(folder, "profile"), {
    executablePath: chromiumPath, headless: true, viewport: { width: 900, height: 500 },
    args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update"],
  });
  await pause(300); // until the application has read its settings again
  return house;
}

async function logIn(house) {
  const page = await house.context.newPage();
  await page.goto(`${house.origin}/`);
  await page.fill("[name=user]", "alice");
  await page.click("#login");
  await page.getByText("connected as alice", { exact: true }).waitFor({ timeout: 15000 });
  return page;
}

// When each line came and when the socket closed, by the page's own clock, which is this machine's.
function takeTimes() {
  window.times = { lines: [] };
  const look = (records) => {
    for (const { target } of records) {
      if (target.id === "said") window.times.lines.push(Date.now());
      else if (target.textContent.startsWith("closed")) window.times.closed ??= Date.now();
    }
  };
  const observer = new MutationObserver(look);
  for (const id of ["said", "state"]) observer.observe(document.getElementById(id), { childList: true });
}

async function logoutClosesTheOtherTab(house) {
  const page = await logIn(house);
  const other = await house.context.newPage();
  await other.goto(`${house.origin}/page`);
  await page.evaluate(takeTimes);
  let isOver = false;
  const publishing = (async () => {
    for (let i = 0; !isOver; i++, await pause(50)) {
      await house.gateward.api("/api/publish", { channel: "public:chat", data: { text: `line ${i}` } });
    }
  })();
  await page.getByText("line 10", { exact: true }).waitFor({ timeout: 15000 });
  const answered = other.waitForResponse((answer) => answer.url().endsWith("/logout"));
  await other.click("#logout");
  const start = Number((await answered).headers()["x-ended-at"]); // when express had ended the session
  assert.ok(start > 0);
  await page.getByText("closed: 4001 Session ended", { exact: true }).waitFor({ timeout: 5000 });
  await pause(500);
  isOver = true;
  await publishing;
  const times = await page.evaluate(() => window.times);
  assert.ok(times.closed - start < CLOSE_MS, `closed after ${times.closed - start} ms`);
  assert.deepEqual(times.lines.map((at) => at - start).filter((ms) => ms > LAST_BYTE_MS), []);
  if (house.pictures) await page.screenshot({ path: path.join(house.pictures, "express-logged-out.png") });
  await page.close();
  await other.close();
}

// All tests of this file as rows [name, function without arguments], and what ends them: it returns what went wrong.
export async function expressTests(binary, chromiumPath, pictures) {
  const house = await startHouse(binary, chromiumPath, pictures);
  return {
    rows: [
      ["express_login_connects_by_cookie_and_csrf_token", async () => {
        const page = await logIn(house);
        await house.gateward.api("/api/publish", { channel: "public:chat", data: { text: "hello" } });
        await page.getByText("hello", { exact: true }).waitFor({ timeout: 15000 });
        if (pictures) await page.screenshot({ path: path.join(pictures, "express-page.png") });
        await page.close();
      }],
      ["express_logout_in_one_tab_closes_the_other_in_time", () => logoutClosesTheOtherTab(house)],
    ],
    async close() {
      await house.context.close();
      const fault = await house.gateward.stop();
      house.app.child.stdin.end();
      house.redis.kill("SIGKILL");
      fs.rmSync(house.folder, { recursive: true, force: true });
      return fault;
    },
  };
}
