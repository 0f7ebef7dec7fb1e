// SPDX-License-Identifier: Apache-2.0
// Drives the demo page of `gateward dev` in Debian's Chromium: two people chat, a forbidden room and a bad token are refused,
// a page from elsewhere gets no connection. Then sanitize.mjs shows cleaned payloads to the same browser, hijack.mjs lets
// strangers' pages try a thousand times to use its cookies, and express.mjs logs in and out in a real application.
//
// usage: GATEWARD_BIN=build/gateward node tests/browser/run.mjs [RESULTS.tsv] [SCREENSHOT_FOLDER]
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import fs from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import tls from "node:tls";
import { chromium } from "playwright-core";

import { expressTests } from "./express.mjs";
import { hijackTests } from "./hijack.mjs";
import { sanitizeTests } from "./sanitize.mjs";

const binary = process.env.GATEWARD_BIN ?? "build/gateward";
const chromiumPath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const results = process.argv[2];
const pictures = process.argv[3];
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "gateward-browser-"));
const WAIT_MS = 15000;

// Starts `gateward dev` on a free port and reads the links that it prints.
async function startServer() {
  const child = spawn(binary, ["dev", "--port", "0", "--state", path.join(scratch, "state")], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ASAN_OPTIONS: "detect_leaks=1:exitcode=99", UBSAN_OPTIONS: "halt_on_error=1:exitcode=99" },
  });
  const ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve(code ?? signal)));
  let said = "";
  const links = await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`gateward dev printed no links:\n${said}`)), 30000);
    const read = (chunk) => {
      said += chunk;
      const found = [...said.matchAll(/https:\/\/localhost:(\d+)\/#token=([\w.-]+)(?=\s)/g)];
      if (found.length >= 2) {
        clearTimeout(timer);
        resolve(found.map((m) => ({ url: m[0], port: Number(m[1]), token: m[2] })));
      }
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.on("error", reject);
    ended.then((code) => reject(new Error(`gateward dev ended with ${code}:\n${said}`)));
  });
  return { child, ended, links, port: links[0].port, output: () => said };
}

// The hash by which Chromium accepts this one certificate; all others stay refused.
function certificateHash(port) {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ host: "127.0.0.1", port, servername: "localhost", rejectUnauthorized: false }, () => {
      const key = new X509Certificate(socket.getPeerCertificate(true).raw).publicKey;
      socket.destroy();
      resolve(createHash("sha256").update(key.export({ type: "spki", format: "der" })).digest("base64"));
    });
    socket.once("error", reject);
  });
}

// What must not happen on any page of ours: errors in the console, and anything against the Content-Security-Policy.
function watch(page, complaints) {
  page.on("pageerror", (e) => complaints.push(`page error: ${e.message}`));
  page.on("console", (m) => {
    if (m.type() === "error" || /Content.Security.Policy/i.test(m.text())) complaints.push(`${m.type()}: ${m.text()}`);
  });
}

async function openAs(context, link, complaints) {
  const page = await context.newPage();
  watch(page, complaints);
  await page.goto(link.url);
  await page.waitForSelector("#session:not([hidden])", { timeout: WAIT_MS });
  return page;
}

async function textOf(page, selector) {
  return (await page.textContent(selector)).trim();
}

// By locator, not by a function in the page: the page's policy forbids eval to tests too.
async function waitForText(page, selector, words) {
  await page.locator(selector).filter({ hasText: words }).first().waitFor({ timeout: WAIT_MS });
}

async function picture(page, name) {
  if (pictures) await page.screenshot({ path: path.join(pictures, `${name}.png`), fullPage: true });
}

async function joinLobby(page) {
  await page.click('.chip[data-channel="private:room-lobby"]');
  await waitForText(page, "#chat-title", "In private:room-lobby");
}

const tests = {
  async two_people_chat_in_the_lobby({ alice, bob }) {
    await joinLobby(alice);
    await joinLobby(bob);
    await alice.fill("#say", "hello <b>bob</b>");
    await alice.press("#say", "Enter");
    await waitForText(bob, "#messages", "hello <b>bob</b>");
    await bob.fill("#say", "hello alice");
    await bob.press("#say", "Enter");
    await waitForText(alice, "#messages", "hello alice");
    assert.equal(await bob.locator("#messages b").count(), 0, "text of others must not become markup");
    assert.equal(await textOf(bob, "#messages li:not(.note):not(.mine) .by"), "alice");
    await picture(alice, "chat");
  },

  async token_leaves_the_address_bar_and_the_frames({ alice, server }) {
    assert.equal(alice.url(), `https://localhost:${server.port}/`);
    const html = await alice.content();
    assert.ok(!html.includes(server.links[0].token), "the token must not be in the page");
  },

  async forbidden_room_shows_the_refusal_and_keeps_the_connection({ alice }) {
    await alice.click('.chip[data-channel="chat:mod-only"]');
    await waitForText(alice, "#refusal-title", "Not allowed to join chat:mod-only");
    await waitForText(alice, "#refusal-text", "not_allowed");
    assert.match(await textOf(alice, "#chat-title"), /private:room-lobby/);
    await picture(alice, "refusal");
    await alice.click("#ping");
    await waitForText(alice, "#frames", '"pong"');
  },

  async raw_frames_show_both_directions({ alice }) {
    await waitForText(alice, "#frames .sent", /"type":"auth"/);
    await waitForText(alice, "#frames .received", /"type": ?"welcome"/);
  },

  async disconnect_and_reconnect({ bob }) {
    await bob.click("#leave");
    await waitForText(bob, "#closed-title", "1000");
    await picture(bob, "disconnected");
    await bob.click("#reconnect");
    await waitForText(bob, "#state-text", "connected as bob");
  },

  async bad_token_is_closed_with_1008({ context, server, complaints }) {
    const page = await context.newPage();
    watch(page, complaints);
    await page.goto(`https://localhost:${server.port}/`);
    await picture(page, "login");
    await page.fill("#token", "not.a.token");
    await page.click("#connect");
    await waitForText(page, "#closed-title", "1008 Authentication failed");
    await picture(page, "closed");
    await page.close();
  },

  async without_a_token_the_connection_ends_after_ten_seconds({ context, server, complaints }) {
    const page = await context.newPage();
    watch(page, complaints);
    await page.goto(`https://localhost:${server.port}/`);
    await waitForText(page, "#state-text", "waiting for a token");
    const started = Date.now();
    await waitForText(page, "#closed-title", "1008 Authentication timeout");
    const seconds = (Date.now() - started) / 1000;
    assert.ok(seconds > 8 && seconds < 13, `closed after ${seconds} s`);
    await page.close();
  },

  async page_is_usable_on_a_phone({ alice }) {
    await alice.setViewportSize({ width: 360, height: 740 });
    const width = await alice.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= 360, `the page is ${width} px wide on a screen of 360`);
    await picture(alice, "phone");
    await alice.setViewportSize({ width: 1280, height: 800 });
    await alice.emulateMedia({ colorScheme: "dark" });
    await picture(alice, "dark");
    await alice.emulateMedia({ colorScheme: "light" });
  },

  async page_from_another_origin_is_refused_with_403({ context, server }) {
    const foreign = http.createServer((_, answer) => {
      answer.setHeader("Content-Type", "text/html");
      answer.end("<!doctype html><title>elsewhere</title>");
    });
    await new Promise((resolve) => foreign.listen(0, "127.0.0.1", resolve));
    try {
      const page = await context.newPage();
      const said = [];
      page.on("console", (m) => said.push(m.text()));
      await page.goto(`http://127.0.0.1:${foreign.address().port}/`);
      const code = await page.evaluate((target) => new Promise((resolve) => {
        const socket = new WebSocket(target);
        socket.onopen = () => resolve("open");
        socket.onclose = (event) => resolve(event.code);
      }), `wss://localhost:${server.port}/ws`);
      assert.equal(code, 1006);
      assert.match(said.join("\n"), /403/);
      await page.close();
    } finally {
      foreign.close();
    }
  },

  async page_policy_is_strict({ server, context }) {
    const answer = await context.request.get(`https://localhost:${server.port}/`, { ignoreHTTPSErrors: true });
    const policy = answer.headers()["content-security-policy"];
    assert.match(policy, /default-src 'none'/);
    assert.ok(!/unsafe|\*/.test(policy), policy);
  },

  async no_console_errors_and_no_policy_violations({ complaints }) {
    assert.deepEqual(complaints, []);
  },
};

// Rows [name, function]; how many failed.
async function runAll(rows) {
  let failed = 0;
  for (const [name, test] of rows) {
    try {
      await test();
      record("pass", name);
    } catch (e) {
      failed++;
      record("fail", name, e.message);
      console.log(e.stack);
    }
  }
  return failed;
}

// A file of tests with servers of its own.
async function runFile(name, tests) {
  let failed = 0, fault = "";
  try {
    failed = await runAll(tests.rows);
  } finally {
    fault = await tests.close();
  }
  record(fault ? "fail" : "pass", `${name}_servers_end_cleanly`, fault);
  return failed + (fault ? 1 : 0);
}

function record(verdict, name, why = "") {
  console.log(`${verdict} ${name} ${why}`);
  if (results) fs.appendFileSync(results, `${verdict}\tbrowser/${name}\t${why.replaceAll(/\s+/g, " ")}\n`);
}

async function main() {
  let failed = 0;
  const server = await startServer();
  let context, sanitising;
  try {
    context = await chromium.launchPersistentContext(path.join(scratch, "profile"), {
      executablePath: chromiumPath,
      headless: true,
      viewport: { width: 1280, height: 800 },
      colorScheme: "light",
      args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync",
        `--ignore-certificate-errors-spki-list=${await certificateHash(server.port)}`],
    });
    const complaints = [];
    const alice = await openAs(context, server.links[0], complaints);
    const bob = await openAs(context, server.links[1], complaints);
    const demo = { server, context, alice, bob, complaints };
    sanitising = await sanitizeTests(context, binary);
    const rows = [...Object.entries(tests).map(([name, test]) => [name, () => test(demo)]), ...sanitising.rows];
    failed += await runAll(rows);
  } finally {
    await context?.close();
    await sanitising?.close();
    server.child.kill("SIGTERM");
  }
  const code = await server.ended;
  if (code !== 0) {
    failed++;
    record("fail", "server_ends_cleanly", `exit ${code}`);
    console.log(server.output());
  } else {
    record("pass", "server_ends_cleanly");
  }
  failed += await runFile("hijack", await hijackTests(binary, chromiumPath, path.join(scratch, "hijack"), pictures));
  failed += await runFile("express", await expressTests(binary, chromiumPath, pictures));
  fs.rmSync(scratch, { recursive: true, force: true });
  process.exitCode = failed ? 1 : 0;
}

main().catch((e) => {
  record("fail", "run", e.message);
  console.error(e);
  process.exit(1);
});
