// SPDX-License-Identifier: Apache-2.0
// Puts thousands of cleaned payloads into pages of Chromium, where nothing of them may run, load or become a tag that is
// not on the list. The payloads as they came go into the same page first: what does not catch them proves nothing.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import http from "node:http";
import path from "node:path";

const GENERATED = 10000;
const KINDS = ["escape", "strip", "allow"];

function tool(binary, args, input) {
  return new Promise((resolve, reject) => {
    const child = spawn(path.join(path.dirname(binary), "tests/sanitize_tool"), args, { stdio: ["pipe", "pipe", "inherit"] });
    const pieces = [];
    child.stdout.on("data", (piece) => pieces.push(piece));
    child.on("error", reject);
    child.on("close", (code) => {
      if (code !== 0) reject(new Error(`sanitize_tool ${args[0]} ended with ${code}`));
      else resolve(Buffer.concat(pieces).toString("utf8").split("\n").slice(0, -1).map((line) => JSON.parse(line)));
    });
    child.stdin.on("error", reject);
    child.stdin.end(input.map((text) => JSON.stringify(text) + "\n").join(""));
  });
}

// Serves `pages` by path; every other request is counted: it can only come from markup.
async function startCanary(pages) {
  const asked = [];
  const server = http.createServer((request, answer) => {
    const page = pages.get(request.url);
    if (page === undefined && request.url !== "/favicon.ico") asked.push(request.url);
    answer.writeHead(page === undefined ? 404 : 200, { "Content-Type": "text/html; charset=utf-8" });
    answer.end(page);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, asked, origin: `http://127.0.0.1:${server.address().port}` };
}

// In the page, before all else: whatever a payload calls is counted.
function plantHooks() {
  window.executed = 0;
  const hit = () => { window.executed++; };
  for (const name of ["alert", "confirm", "prompt", "print", "open"]) window[name] = hit;
  window.addEventListener("securitypolicyviolation", hit);
}

// In the page: sets each text as markup and as attribute, and says what is wrong with what came of it.
function judgeInPage([texts, kind]) {
  const allowed = new Set(["B", "I", "EM", "STRONG", "U", "S", "CODE", "PRE", "P", "BR", "UL", "OL", "LI", "BLOCKQUOTE", "A"]);
  const faults = [];
  const serialised = [];
  const judgeNode = (node, text) => {
    if (node.nodeType === Node.TEXT_NODE) return;
    const isLink = node.nodeName === "A";
    const names = [...(node.attributes ?? [])].map((a) => a.name).join();
    if (kind !== "allow" || !allowed.has(node.nodeName) || node.namespaceURI !== "http://www.w3.org/1999/xhtml") {
      faults.push(`${node.nodeName} in ${text}`);
    } else if (names !== (isLink ? "href,rel" : "") || (isLink && !["https:", "http:", "mailto:"].includes(node.protocol))) {
      faults.push(`attributes ${names} of ${node.nodeName} in ${text}`);
    }
  };
  for (const text of texts) {
    const box = document.createElement("div");
    document.body.append(box);
    box.innerHTML = text;
    const walker = document.createTreeWalker(box, NodeFilter.SHOW_ALL);
    while (walker.nextNode()) judgeNode(walker.currentNode, text);
    // Of a newline behind <pre> the serialisation forgets that the parser will drop it.
    serialised.push(box.innerHTML.replaceAll("<pre>\n", "<pre>\n\n"));
    if (kind === "escape") {
      for (const quote of ['"', "'"]) {
        box.innerHTML = `<i title=${quote}${text}${quote}>x</i>`;
        const only = box.firstChild;
        if (box.childNodes.length !== 1 || only.attributes.length !== 1 || only.childNodes.length !== 1) {
          faults.push(`left the attribute: ${text}`);
        }
      }
    }
    box.remove();
  }
  return { faults: faults.slice(0, 5), serialised };
}

async function openPage(context, url) {
  const page = await context.newPage();
  const left = [];
  page.on("framenavigated", (frame) => left.push(frame.url()));
  page.on("dialog", (dialog) => dialog.dismiss());
  await page.addInitScript(plantHooks);
  await page.goto(url);
  return { page, left };
}

async function executions(page) {
  await page.waitForTimeout(500); // error and load events come later than the markup
  return page.evaluate(() => window.executed);
}

async function settled(page, left, canary, expectedNavigations) {
  const count = await executions(page);
  assert.equal(count, 0, `${count} scripts ran`);
  assert.deepEqual(canary.asked, [], "something was loaded");
  assert.equal(left.length, expectedNavigations, `the page went to ${left.at(-1)}`);
}

// Payloads as they came, and those of them that must be seen: without this the rest would prove nothing.
async function rawPayloadsAreSeen({ context, canary, payloads }) {
  const { page } = await openPage(context, `${canary.origin}/blank`);
  const { faults } = await page.evaluate(judgeInPage, [payloads.slice(0, 60), "allow"]);
  const count = await executions(page);
  await page.close();
  assert.ok(count >= 5, `only ${count} of the untouched payloads ran`);
  assert.ok(faults.length >= 5, "untouched payloads must be faulted");
  assert.ok(canary.asked.length > 0, "untouched payloads must load something");
  canary.asked.length = 0;
}

async function innerHtmlRunsNothing({ context, canary, cleaned, binary }) {
  const { page, left } = await openPage(context, `${canary.origin}/blank`);
  for (const [index, kind] of KINDS.entries()) {
    const texts = cleaned.map((row) => row[index]).filter((text) => text !== null);
    const { faults, serialised } = await page.evaluate(judgeInPage, [texts, kind]);
    assert.deepEqual(faults, [], kind);
    if (kind !== "allow") continue;
    const again = await tool(binary, ["clean"], serialised);
    // Text without markup goes through as it is; of that, parsers change these two.
    const parsed = texts.map((text) => text.replaceAll(/\r\n?/g, "\n").replaceAll("\0", ""));
    const changed = parsed.filter((text, i) => text !== again[i][index]);
    assert.deepEqual(changed.slice(0, 5), [], "cleaned, parsed by Chromium, written by it and cleaned again");
  }
  await settled(page, left, canary, 1);
  await page.close();
}

// Loaded as a document, scripts would run that innerHTML leaves asleep.
async function loadedPagesRunNothing({ context, canary }) {
  for (const kind of KINDS) {
    const { page, left } = await openPage(context, `${canary.origin}/${kind}`);
    await settled(page, left, canary, 1);
    assert.equal(await page.locator("#end").count(), 1, "the page was not read to its end");
    await page.close();
  }
}

// All tests of this file as rows [name, function without arguments], and what ends them.
export async function sanitizeTests(context, binary) {
  const payloads = await tool(binary, ["payloads", String(GENERATED)], []);
  const cleaned = await tool(binary, ["clean"], payloads);
  const pages = new Map([["/blank", "<!doctype html><title>blank</title><body>"]]);
  for (const [index, kind] of KINDS.entries()) {
    const boxes = cleaned.map((row) => `<div>${row[index] ?? ""}</div>`).join("\n");
    pages.set(`/${kind}`, `<!doctype html><title>${kind}</title><body>${boxes}<hr id=end>`);
  }
  const canary = await startCanary(pages);
  const all = { context, canary, payloads, cleaned, binary };
  const refused = cleaned.filter((row) => row.includes(null)).length;
  return {
    rows: [
      ["sanitised_payloads_are_ten_thousand", async () => {
        assert.ok(payloads.length >= GENERATED && cleaned.length === payloads.length);
        assert.ok(refused * 100 < payloads.length, `${refused} of ${payloads.length} were refused`);
      }],
      ["untouched_payloads_run_and_are_seen", () => rawPayloadsAreSeen(all)],
      ["sanitised_payloads_as_inner_html_run_nothing", () => innerHtmlRunsNothing(all)],
      ["sanitised_payloads_as_a_page_run_nothing", () => loadedPagesRunNothing(all)],
    ],
    close: () => new Promise((resolve) => { canary.server.closeAllConnections(); canary.server.close(resolve); }),
  };
}
