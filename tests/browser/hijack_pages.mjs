// SPDX-License-Identifier: Apache-2.0
// What a page of a stranger can try with the cookies of its visitor: every means from every kind of document that it can make.
// All of this runs in the browser; nothing here may use anything from outside its own function.

// One attempt. Ends with "welcome USER", "ticket", or how it was refused; never with a rejection.
export function attempt(job) {
  const LIMIT_MS = 40000;
  const bySocket = () => new Promise((resolve) => {
    const socket = new WebSocket(job.url);
    let wasOpen = false;
    setTimeout(() => resolve("no answer"), LIMIT_MS);
    socket.onopen = () => { wasOpen = true; if (job.first) socket.send(job.first); };
    socket.onmessage = (event) => {
      const message = JSON.parse(event.data);
      if (message.type === "welcome") resolve(`welcome ${message.user}`);
      else if (message.type !== "error") resolve(`told ${message.type}`);
    };
    socket.onclose = (event) => resolve(wasOpen ? `closed ${event.code} ${event.reason}` : "refused at the handshake");
  });
  const judge = (text) => (/"ticket"/.test(text) ? "ticket" : `answer ${text.slice(0, 60)}`);
  const byFetch = () => fetch(job.url, { credentials: "include", signal: AbortSignal.timeout(LIMIT_MS), ...job.fetch })
    .then(async (answer) => (answer.type === "opaque" ? "opaque" : judge(await answer.text())), () => "refused by the browser");
  const byXhr = () => new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("POST", job.url);
    request.withCredentials = true;
    request.timeout = LIMIT_MS;
    for (const [name, value] of Object.entries(job.headers ?? {})) request.setRequestHeader(name, value);
    request.onload = () => resolve(judge(request.responseText));
    request.onerror = request.ontimeout = () => resolve("refused by the browser");
    request.send();
  });
  // A form sends the cookie as well; what it gets stands in a frame, which only a page of the same origin may read.
  const byForm = () => new Promise((resolve) => {
    const frame = document.createElement("iframe");
    const form = document.createElement("form");
    frame.name = `answer${Math.random()}`;
    Object.assign(form, { action: job.url, method: "post", target: frame.name, enctype: "text/plain" });
    document.body.append(frame, form);
    const look = () => {
      try {
        return judge(frame.contentWindow.document.body.textContent);
      } catch {
        return "unreadable";
      }
    };
    form.submit();
    setTimeout(() => resolve(look()), 3000);
  });
  const means = { socket: bySocket, fetch: byFetch, xhr: byXhr, form: byForm };
  try {
    return means[job.by === "form" && typeof document === "undefined" ? "fetch" : job.by]();
  } catch (fault) {
    return Promise.resolve(`thrown ${fault.name}`);
  }
}

// Runs all jobs in a document of the given kind, made by the page that calls this; [results].
export function runIn({ kind, jobs, code, frameUrl }) {
  const id = String(Math.random());
  const send = `(${code.run})(${code.attempt}, ${JSON.stringify({ id, jobs })})`.replaceAll("</", "<\\/");
  const html = `<!doctype html><meta charset="utf-8"><body><script>${send}<` + "/script>";
  const frame = (attributes) => document.body.append(Object.assign(document.createElement("iframe"), attributes));
  const blob = (text, type) => URL.createObjectURL(new Blob([text], { type }));
  const sandboxed = () => {
    const box = document.createElement("iframe");
    box.setAttribute("sandbox", "allow-scripts allow-forms");
    box.srcdoc = html;
    document.body.append(box);
  };
  const write = (view) => { view.document.write(html); view.document.close(); };
  const kinds = {
    page: () => new Function(send)(),
    worker: () => { new Worker(blob(send, "text/javascript")).onmessage = (event) => window.postMessage(event.data, "*"); },
    srcdoc: () => frame({ srcdoc: html }),
    sandbox: sandboxed,
    data: () => frame({ src: `data:text/html;charset=utf-8,${encodeURIComponent(html)}` }),
    blob: () => frame({ src: blob(html, "text/html") }),
    written: () => { frame({ name: id }); write(window.frames[id]); },
    popup: () => write(window.open("about:blank")),
    redirected: () => frame({ src: frameUrl, name: JSON.stringify({ id, jobs }) }),
  };
  return new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error(`${kind} has not answered`)), 25000);
    window.addEventListener("message", (event) => { if (event.data?.id === id) resolve(event.data.results); });
    kinds[kind]();
  });
}

// In the document that attempts: all at once, and the results to whoever made it.
export function runHere(attemptOne, { id, jobs }) {
  Promise.all(jobs.map(attemptOne)).then((results) => {
    if (typeof document === "undefined") postMessage({ id, results });
    else (window.opener ?? window.parent).postMessage({ id, results }, "*");
  });
}

export const KINDS = ["page", "worker", "srcdoc", "sandbox", "data", "blob", "written", "popup", "redirected"];
// Documents of these are nobody's: their origin is "null".
export const OPAQUE = ["sandbox", "data"];
export const CODE = { attempt: String(attempt), run: String(runHere) };
// What a redirected frame finds at its end: its name holds the jobs.
export const FRAME = `<!doctype html><meta charset="utf-8"><body><script>(${runHere})(${attempt}, JSON.parse(window.name))</script>`;

// What is tried from each: gate is host:port; guess and own() are CSRF tokens, invented and of the attacker's own session.
export function jobs({ gate, guess, own, redirect }) {
  const socket = `wss://${gate}/ws`, ticket = `https://${gate}/ticket`;
  const auth = (csrf) => JSON.stringify({ type: "auth", csrf });
  return [
    { by: "socket", url: socket, first: JSON.stringify({ type: "subscribe", channel: "public:chat" }) },
    { by: "socket", url: socket, first: auth(undefined) },
    { by: "socket", url: socket, first: auth(guess) },
    { by: "socket", url: socket, first: auth(own()) },
    { by: "socket", url: socket, first: `auth:${own()}` },
    { by: "socket", url: `${socket}?csrf=${guess}` },
    { by: "socket", url: `${socket}?csrf=${own()}` },
    { by: "socket", url: `${socket}?ticket=${guess.slice(0, 22)}` },
    { by: "fetch", url: ticket, fetch: { method: "POST", mode: "no-cors" } },
    { by: "fetch", url: ticket, fetch: { method: "POST" } },
    { by: "fetch", url: ticket, fetch: { method: "POST", headers: { "X-CSRF-Token": own() } } },
    { by: "fetch", url: `${redirect}?to=${encodeURIComponent(ticket)}`, fetch: { method: "POST", mode: "no-cors" } },
    { by: "xhr", url: ticket, headers: { "X-CSRF-Token": own() } },
    { by: "form", url: ticket, fetch: { method: "GET" } },
  ];
}
