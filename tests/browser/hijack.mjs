// SPDX-License-Identifier: Apache-2.0
// Cross-site WebSocket hijacking in Chromium: the user has good cookies, the pages of a stranger (another site, and a subdomain of
// the same site) try a thousand times to get a connection or a ticket of hers. Three gatewards on one host: `strict` lists the
// legitimate page alone; `listed` lists the strangers too, so that the CSRF token alone stands between; `off` wants no token
// either, and must fall: without it the rest would prove nothing.
import assert from "node:assert/strict";
import fs from "node:fs";
import https from "node:https";
import path from "node:path";
import { randomBytes } from "node:crypto";
import { chromium } from "playwright-core";

import { CODE, FRAME, KINDS, OPAQUE, jobs, runIn } from "./hijack_pages.mjs";
import { makeCertificate, startGateward } from "./serve.mjs";

const CHAT = "chat.example.test", APP = "app.example.test";
const STRANGERS = ["evil.test", "evil.example.test"]; // another site; a subdomain of the same
const GATES = { strict: {}, listed: { isListed: true }, off: { isListed: true, csrf: "origin_only" } };
const GUARDED = ["strict", "listed"];
const ATTEMPTS_MIN = 1000;

const PAGE = (user, csrf, gate) => `<!doctype html><meta charset="utf-8"><title>chat</title>
<style>body { font: 1.2rem sans-serif; margin: 3rem } #state { font-weight: bold }</style>
<h1>${user}'s own page</h1><p id="state">connecting</p><p id="ticket"></p>
<script>
  const show = (id, text) => { document.getElementById(id).textContent = text; };
  const socket = new WebSocket("wss://${gate}/ws");
  socket.onopen = () => socket.send(JSON.stringify({ type: "auth", csrf: "${csrf[0]}" }));
  socket.onmessage = (event) => show("state", "connected as " + JSON.parse(event.data).user);
  socket.onclose = (event) => show("state", "closed " + event.code + " " + event.reason);
  fetch("https://${gate}/ticket", { method: "POST", credentials: "include", headers: { "X-CSRF-Token": "${csrf[1]}" } })
    .then((answer) => answer.json()).then(({ ticket }) => {
      new WebSocket("wss://${gate}/ws?ticket=" + ticket).onmessage =
        (event) => show("ticket", "and by ticket as " + JSON.parse(event.data).user);
    });
</script>`;

const cookieName = (gate) => `__Host-${gate}`;

// One https server is every site there is, told apart by the Host; on CHAT it is the login, and the witness of what comes along.
function startSites(tls, house) {
  const server = https.createServer({ cert: fs.readFileSync(tls.cert), key: fs.readFileSync(tls.key) });
  const note = (request, by) => house.witnessed.push({ by, origin: request.headers.origin, cookie: request.headers.cookie ?? "" });
  const login = (answer, sameSite) => answer.writeHead(200, { "Set-Cookie": Object.entries(house.sessions).map(([gate, session]) =>
    `${cookieName(gate)}=${session}; Secure; HttpOnly; Path=/; SameSite=${sameSite}`) }).end("logged in");
  const page = async (answer, gate) => {
    const body = { session: house.sessions[gate], origin: house.origin(APP) };
    const { api, port } = house.gates[gate];
    const csrf = [await api("/api/csrf", body), await api("/api/csrf", body)].map((made) => made.csrf);
    answer.writeHead(200, { "Content-Type": "text/html", "Cache-Control": "no-store" });
    answer.end(PAGE("alice", csrf, `${CHAT}:${port}`));
  };
  server.on("request", (request, answer) => {
    const url = new URL(request.url, house.origin(APP));
    const host = request.headers.host.split(":")[0];
    if (host === CHAT && url.pathname === "/login") login(answer, url.searchParams.get("same_site"));
    else if (host === CHAT) { note(request, "fetch"); answer.writeHead(404).end(); }
    else if (host === APP && url.pathname === "/page") page(answer, url.searchParams.get("gate")).catch((e) => answer.destroy(e));
    else if (host === APP && url.pathname === "/go") answer.writeHead(307, { Location: url.searchParams.get("to") }).end();
    else answer.writeHead(200, { "Content-Type": "text/html" }).end(url.pathname === "/frame" ? FRAME : "<!doctype html><body>");
  });
  server.on("upgrade", (request, socket) => { note(request, "socket"); socket.end("HTTP/1.1 403 Forbidden\r\n\r\n"); });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

async function startHouse(binary, chromiumPath, folder) {
  const house = { gates: {}, sessions: {}, own: {}, witnessed: [], tally: new Map(), attempts: 0, withCookie: 0, won: [], ownPages: 0 };
  const tls = makeCertificate(folder, [CHAT, APP, ...STRANGERS]);
  house.origin = (host) => `https://${host}:${house.sites.address().port}`;
  house.sites = await startSites(tls, house);
  await Promise.all(Object.entries(GATES).map(async ([name, { isListed, csrf }]) => {
    const gate = await startGateward(binary, path.join(folder, name), {
      listen: [{ address: "127.0.0.1:0", tls: { cert: tls.cert, key: tls.key } }],
      origins: [APP, ...(isListed ? STRANGERS : [])].map(house.origin),
      auth: { sessions: { store: "memory", cookie: cookieName(name) }, csrf: csrf ?? "required_for_cookies" },
    });
    house.gates[name] = gate;
    house.sessions[name] = (await gate.api("/api/sessions", { user: "alice", roles: ["user"] })).session;
    house.own[name] = (await gate.api("/api/sessions", { user: "mallory", roles: ["user"] })).session;
  }));
  // As in most browsers of today; Debian's has cookies of third parties off, and would spare us the cross-site half.
  fs.mkdirSync(path.join(folder, "profile", "Default"), { recursive: true });
  fs.writeFileSync(path.join(folder, "profile", "Default", "Preferences"),
    JSON.stringify({ profile: { cookie_controls_mode: 0, block_third_party_cookies: false } }));
  house.context = await chromium.launchPersistentContext(path.join(folder, "profile"), {
    executablePath: chromiumPath, headless: true, viewport: { width: 900, height: 400 },
    args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
      "--disable-sync", `--ignore-certificate-errors-spki-list=${tls.hash}`,
      "--host-resolver-rules=MAP *.example.test 127.0.0.1, MAP evil.test 127.0.0.1"],
  });
  return house;
}

async function openAt(house, host, where = "/") {
  const page = await house.context.newPage();
  await page.goto(house.origin(host) + where);
  return page;
}

async function login(house, sameSite) {
  const page = await openAt(house, CHAT, `/login?same_site=${sameSite}`);
  await page.close();
}

// CSRF tokens of the attacker's own session: for the attacker's page where the gateward knows it, else for the legitimate one.
async function ownTokens(house, gate, host) {
  const origin = house.origin(GATES[gate].isListed ? host : APP);
  const made = [];
  while (made.length < 5 * KINDS.length) made.push((await house.gates[gate].api("/api/csrf", { session: house.own[gate], origin })).csrf);
  return () => made.pop();
}

// Everything from one stranger's page against one gateward: [{kind, job, result}].
async function attack(house, gate, host, kinds = KINDS) {
  const own = GATES[gate].csrf ? () => "none" : await ownTokens(house, gate, host);
  const redirect = `${house.origin(APP)}/go`;
  const page = await openAt(house, host);
  const all = await Promise.all(kinds.map(async (kind) => {
    const guess = randomBytes(32).toString("base64url");
    const list = jobs({ gate: `${CHAT}:${house.gates[gate].port}`, guess, own, redirect });
    const frameUrl = `${redirect}?to=${encodeURIComponent(`${house.origin(host)}/frame`)}`;
    let results;
    for (let turn = 1; results === undefined; turn++) {     // now and then Chromium never loads a data: document
      results = await page.evaluate(runIn, { kind, jobs: list, code: CODE, frameUrl }).catch((e) => {
        if (turn === 3 || !String(e).includes("has not answered")) throw e;
      });
    }
    return list.map((job, i) => ({ gate, host, kind, job, result: results[i] }));
  }));
  await page.close();
  return all.flat();
}

// Whether the cookie goes along: from another site, or from a document that is nobody's, only with SameSite=None.
const hasCookie = ({ host, kind }, sameSite) => sameSite === "None" || (host !== "evil.test" && !OPAQUE.includes(kind));
const hasWon = ({ result }) => /^(welcome|told|ticket)/.test(result);

async function attackAll(house, sameSite) {
  const pairs = GUARDED.flatMap((gate) => STRANGERS.map((host) => [gate, host]));
  const rows = (await Promise.all(pairs.map(([gate, host]) => attack(house, gate, host)))).flat();
  for (const { gate, result } of rows) house.tally.set(`${gate}: ${result}`, (house.tally.get(`${gate}: ${result}`) ?? 0) + 1);
  house.attempts += rows.length;
  house.withCookie += rows.filter((row) => hasCookie(row, sameSite)).length;
  house.won.push(...rows.filter(hasWon));
  assert.deepEqual(rows.filter(hasWon), []);
  assert.deepEqual(rows.filter(({ result }) => result === "no answer"), [], "every attempt must come to an end");
}

// Her own page gets in, by CSRF token and by ticket.
async function ownPageConnects(house, picture) {
  house.ownPages++;
  for (const gate of GUARDED) {
    const page = await openAt(house, APP, `/page?gate=${gate}`);
    await page.getByText("connected as alice", { exact: true }).waitFor({ timeout: 15000 });
    await page.getByText("and by ticket as alice", { exact: true }).waitFor({ timeout: 15000 });
    if (picture) await page.screenshot({ path: `${picture}-${gate}.png` });
    await page.close();
  }
}

// What of the cookies reached the host in question from the stranger's own page, by socket and by fetch.
async function cookiesArrive(house, host) {
  house.witnessed.length = 0;
  const page = await openAt(house, host);
  const gate = `${CHAT}:${house.sites.address().port}`;
  await page.evaluate(runIn, { kind: "page", code: CODE, jobs: [{ by: "socket", url: `wss://${gate}/ws` },
    { by: "fetch", url: `https://${gate}/ticket`, fetch: { method: "POST", mode: "no-cors" } }] });
  await page.close();
  const arrived = (by) => house.witnessed.some((seen) => seen.by === by && seen.origin === house.origin(host) &&
    GUARDED.every((name) => seen.cookie.split("; ").includes(`${cookieName(name)}=${house.sessions[name]}`)));
  assert.ok(house.witnessed.some(({ by }) => by === "socket") && house.witnessed.some(({ by }) => by === "fetch"));
  return { socket: arrived("socket"), fetch: arrived("fetch") };
}

async function cookiesGoAlong(house, expected) {
  for (const [i, host] of STRANGERS.entries()) {
    assert.deepEqual(await cookiesArrive(house, host), { socket: expected[i], fetch: expected[i] }, host);
  }
}

// The same pages against the gateward that asks for nothing but an Origin on its list, where they are on it.
async function unguardedFalls(house) {
  for (const host of STRANGERS) {
    const rows = await attack(house, "off", host);
    for (const kind of KINDS) {
      const won = rows.filter((row) => row.kind === kind && hasWon(row)).map(({ result }) => result);
      if (OPAQUE.includes(kind)) assert.deepEqual(won, [], kind);
      else assert.ok(won.includes("welcome alice") && won.includes("ticket"), `${kind} at ${host} got ${won}`);
    }
  }
}

async function plantingFails(house) {
  const page = await openAt(house, "evil.example.test");
  await page.evaluate(([names, sessions]) => {
    for (const name of names) {
      for (const domain of ["; Domain=example.test", "; Domain=.example.test", "; Domain=chat.example.test"]) {
        document.cookie = `${name}=${sessions[name]}${domain}; Path=/; Secure`;
        document.cookie = `${name}=${sessions[name]}${domain}; Path=/ws; Secure`;
      }
    }
  }, [GUARDED.map(cookieName), Object.fromEntries(GUARDED.map((gate) => [cookieName(gate), house.own[gate]]))]);
  await page.close();
  assert.deepEqual(await cookiesArrive(house, "evil.example.test"), { socket: true, fetch: true });
  for (const { cookie } of house.witnessed) {
    for (const gate of GUARDED) assert.ok(!cookie.includes(house.own[gate]), "a planted cookie arrived");
  }
  await ownPageConnects(house);
}

// What the servers themselves say: logins and tickets only of her own page.
function serversAgree(house) {
  for (const gate of GUARDED) {
    const events = house.gates[gate].events();
    const of = (name) => events.filter(({ event }) => event === name);
    const origins = new Map(of("connection_open").map(({ connection, origin }) => [connection, origin]));
    const letIn = [...of("ticket_issued"), ...of("auth_ok")].map((row) => row.origin ?? origins.get(row.connection));
    assert.equal(letIn.length, 3 * house.ownPages, "her page makes one ticket and two connections each time");
    assert.deepEqual(letIn.filter((origin) => origin !== house.origin(APP)), []);
    const refused = (name) => of(name).length + of("events_suppressed").filter(({ code }) => code === name)
      .reduce((sum, { count }) => sum + count, 0);
    if (gate === "strict") assert.ok(refused("origin_refused") >= house.attempts / 2, "every attempt must have reached it");
    else assert.ok(refused("csrf_refused") >= house.attempts / 8, "the CSRF token must have been what refused");
  }
}

// All tests of this file as rows [name, function without arguments], and what ends them: it returns what went wrong.
export async function hijackTests(binary, chromiumPath, folder, pictures) {
  fs.mkdirSync(folder, { recursive: true });
  const house = await startHouse(binary, chromiumPath, folder);
  const picture = (name) => (pictures ? path.join(pictures, name) : undefined);
  return {
    rows: [
      ["hijack_own_page_connects_before", async () => { await login(house, "None"); await ownPageConnects(house); }],
      ["hijack_strangers_pages_send_the_cookie_samesite_none", () => cookiesGoAlong(house, [true, true])],
      ["hijack_pages_succeed_where_nothing_guards", () => unguardedFalls(house)],
      ["hijack_fails_with_samesite_none", () => attackAll(house, "None")],
      ["hijack_fails_once_more", () => attackAll(house, "None")],
      ["hijack_subdomain_cannot_plant_a_session", () => plantingFails(house)],
      ["hijack_subdomain_sends_the_cookie_samesite_lax", async () => {
        await login(house, "Lax");
        await cookiesGoAlong(house, [false, true]);
      }],
      ["hijack_fails_with_samesite_lax", () => attackAll(house, "Lax")],
      ["hijack_own_page_connects_after", () => ownPageConnects(house, picture("hijack-own-page"))],
      ["hijack_servers_let_in_her_own_page_alone", () => serversAgree(house)],
      ["hijack_none_of_a_thousand_succeeds", async () => {
        for (const [what, count] of [...house.tally].sort()) console.log(`    ${count}  ${what}`);
        console.log(`    ${house.won.length} of ${house.attempts} attempts succeeded; ${house.withCookie} had a good cookie`);
        assert.ok(house.withCookie >= ATTEMPTS_MIN, `only ${house.withCookie} attempts with a good cookie`);
        assert.equal(house.won.length, 0);
      }],
    ],
    async close() {
      await house.context.close();
      house.sites.closeAllConnections();
      house.sites.close();
      return (await Promise.all(Object.values(house.gates).map((gate) => gate.stop()))).join("");
    },
  };
}
