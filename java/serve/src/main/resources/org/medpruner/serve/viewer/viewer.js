"use strict";
// Uses the server's public interface only; docs/serve.md describes it.

const at = id => document.getElementById(id);
// Each volume has a list of turns of its own: what ends late knows by it that it is out of date.
const state = { token: "", model: "", file: "", turns: [], uploading: null, running: null };
const nothing = at("figures").textContent;

async function call(path, options = {}) {
  const headers = new Headers(options.headers);
  if (state.token) headers.set("Authorization", "Bearer " + state.token);
  const response = await fetch(path, { ...options, headers });
  if (response.ok) return response;
  at("login").hidden = response.status !== 401;
  let text = response.status + " " + response.statusText;
  try { text = (await response.json()).error.message; } catch { /* not JSON */ }
  throw new Error(text);
}

function say(text) { at("message").textContent = text; }

async function attempt(action) {
  say("");
  try { await action(); } catch (e) { if (e.name !== "AbortError") say(e.message); }
}

function ready() {
  at("send").disabled = !state.file || !state.model || state.running !== null;
  at("stop").hidden = state.running === null;
}

async function begin() {
  const models = await (await call("/v1/models")).json();
  state.model = models.data[0].id;
  at("model").textContent = "model " + state.model;
  at("login").hidden = true;
  ready();
}

// What systems put into folders for themselves is no slice.
const foreign = /(^|\/)(__MACOSX\/.*|\.[^/]*|Thumbs\.db|desktop\.ini)$/i;

// Numbers in names count as numbers, so that 2.png comes before 10.png.
function inOrder(files) {
  const key = f => f.path.replace(/[0-9]+/g, n => n.padStart(40, "0"));
  const compare = (a, b) => a < b ? -1 : a > b ? 1 : 0;
  return files.filter(f => !foreign.test(f.path))
    .sort((a, b) => compare(key(a), key(b)) || compare(a.path, b.path));
}

// Names may name the patient: they sort the files here and are not sent.
async function upload(given) {
  const files = inOrder(given);
  if (files.length === 0) return;
  const form = new FormData();
  form.append("purpose", "user_data");
  for (const f of files) form.append("file", f.file, "file");
  const upload = new AbortController();
  state.uploading?.abort();
  state.running?.abort();
  state.uploading = upload;
  state.file = "";
  state.turns = [];
  at("turns").replaceChildren();
  showNothing();
  at("volume").textContent = "Uploading " + files.length + (files.length === 1 ? " file" : " files") + " …";
  ready();
  try {
    const response = await call("/v1/files", { method: "POST", body: form, signal: upload.signal });
    const stored = await response.json();
    state.file = stored.id;
    at("volume").textContent = stored.id + ", " + size(stored.bytes);
    at("question").focus();
  } catch (e) {
    if (!upload.signal.aborted) at("volume").textContent = "Drop another volume here.";
    throw e;
  } finally {
    ready();
  }
}

function size(bytes) {
  return bytes < 1048576 ? Math.ceil(bytes / 1024) + " KiB" : (bytes / 1048576).toFixed(1) + " MiB";
}

const listed = list => [...list].map(file => ({ file, path: file.webkitRelativePath || file.name }));

async function dropped(items) {
  const files = [];
  async function walk(entry) {
    if (entry.isFile) {
      files.push({ file: await new Promise((ok, no) => entry.file(ok, no)), path: entry.fullPath });
      return;
    }
    const reader = entry.createReader();
    for (;;) {
      const some = await new Promise((ok, no) => reader.readEntries(ok, no));
      if (some.length === 0) return;
      for (const e of some) await walk(e);
    }
  }
  for (const entry of [...items].map(i => i.webkitGetAsEntry()).filter(e => e)) await walk(entry);
  return files;
}

function messages(question) {
  const first = state.turns.length ? state.turns[0].question : question;
  const list = [{ role: "user", content: [
    { type: "file", file: { file_id: state.file } }, { type: "text", text: first }] }];
  state.turns.forEach((turn, i) => {
    if (i > 0) list.push({ role: "user", content: turn.question });
    list.push({ role: "assistant", content: turn.answer });
  });
  if (state.turns.length) list.push({ role: "user", content: question });
  return list;
}

// Calls back with every event's object.
async function events(response, each) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text += value;
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const event = text.slice(0, end);
      text = text.slice(end + 2);
      if (event.startsWith("data: ") && event !== "data: [DONE]") each(JSON.parse(event.slice(6)));
    }
  }
}

function line(parent, type, text) {
  const p = document.createElement("p");
  p.className = type;
  p.textContent = text;
  parent.append(p);
  return p;
}

async function ask(question) {
  const item = document.createElement("li");
  line(item, "q", question);
  const answer = line(item, "a", "…");
  const note = line(item, "n", "waiting");
  at("turns").append(item);
  const turns = state.turns;
  const running = new AbortController();
  state.running = running;
  ready();
  const start = performance.now();
  let text = "";
  let id = "";
  let pruning = null;
  try {
    const response = await call("/v1/chat/completions", {
      method: "POST",
      signal: running.signal,
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ model: state.model, stream: true, messages: messages(question),
        medpruner: { preset: at("preset").value } }) });
    await events(response, event => {
      if (event.error) throw new Error(event.error.message);
      id = event.id;
      pruning = event.medpruner || pruning;
      text += event.choices[0]?.delta?.content ?? "";
      answer.textContent = text || "…";
    });
    if (!pruning) throw new Error("the connection ended before the answer did");
    turns.push({ question, answer: text });
    answer.textContent = text;
    note.textContent = ((performance.now() - start) / 1000).toFixed(1) + " s";
  } catch (e) {
    note.textContent = e.name === "AbortError" ? "stopped" : "failed";
    if (!text) answer.remove();
    if (turns === state.turns) at("question").value ||= question;
    throw e;
  } finally {
    if (state.running === running) state.running = null;
    ready();
  }
  await show(id, pruning, turns);
}

function showNothing() {
  at("figures").textContent = nothing;
  at("legend").hidden = true;
  at("slices").replaceChildren();
  at("record").hidden = true;
}

async function show(id, pruning, turns) {
  const path = "/v1/audits/" + encodeURIComponent(id);
  const text = await (await call(path)).text();
  const record = JSON.parse(text);
  const sheet = await (await call(path + "/slices")).json();
  const image = new Image();
  image.src = sheet.image;
  await image.decode();
  if (turns !== state.turns) return;
  const all = pruning.slices * record.model.tokensPerSlice;
  at("figures").textContent = pruning.slices_kept + " of " + pruning.slices + " slices, "
    + pruning.visual_tokens + " of " + all + " visual tokens (preset " + pruning.policy + ")";
  at("legend").hidden = false;
  at("slices").replaceChildren(...record.slices.map(s => picture(s, sheet, image)));
  URL.revokeObjectURL(at("audit").href);
  at("audit").href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  at("record").hidden = false;
}

function picture(slice, sheet, image) {
  const canvas = document.createElement("canvas");
  const scale = Math.max(1, Math.ceil(160 / Math.max(sheet.width, sheet.height)));
  canvas.width = sheet.width * scale;
  canvas.height = sheet.height * scale;
  const g = canvas.getContext("2d");
  g.drawImage(image, slice.index % sheet.columns * sheet.width,
    Math.floor(slice.index / sheet.columns) * sheet.height, sheet.width, sheet.height,
    0, 0, canvas.width, canvas.height);
  if (slice.nucleusTokens && sheet.gridWidth) tokens(g, slice, sheet, canvas);
  const figure = document.createElement("figure");
  figure.className = slice.kept ? "kept" : "dropped";
  const caption = document.createElement("figcaption");
  caption.textContent = "slice " + (slice.index + 1)
    + (slice.kept ? ": " + slice.tokens + " tokens" : ": as " + (slice.representative + 1));
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", caption.textContent);
  figure.append(canvas, caption);
  return figure;
}

function tokens(g, slice, sheet, canvas) {
  const width = canvas.width / sheet.gridWidth;
  const height = canvas.height / sheet.gridHeight;
  // Pictures are shown half as large or so: a thinner line would be lost.
  const thin = Math.max(1, Math.round(canvas.width / 112));
  const colours = getComputedStyle(document.documentElement);
  const nucleus = new Set(slice.nucleusTokens);
  const targets = new Set(slice.targetTokens);
  for (let t = 0; t < sheet.gridWidth * sheet.gridHeight; t++) {
    const x = t % sheet.gridWidth * width;
    const y = Math.floor(t / sheet.gridWidth) * height;
    if (nucleus.has(t) || targets.has(t)) {
      g.strokeStyle = colours.getPropertyValue(nucleus.has(t) ? "--kept" : "--target");
      g.lineWidth = targets.has(t) ? thin + 2 : thin;
      g.strokeRect(x + g.lineWidth / 2, y + g.lineWidth / 2, width - g.lineWidth, height - g.lineWidth);
    } else {
      g.fillStyle = "rgba(0, 0, 0, .6)";
      g.fillRect(x, y, width, height);
    }
  }
}

for (const name of ["paper", "nucleus", "reference", "off"]) at("preset").append(new Option(name));
for (const input of [at("files"), at("folder")]) {
  input.addEventListener("change", () => {
    const files = listed(input.files);
    input.value = "";
    attempt(() => upload(files));
  });
}
for (const type of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(type, e => {
    e.preventDefault();
    at("drop").classList.toggle("over", type === "dragover");
    if (type === "drop") {
      const items = e.dataTransfer.items;
      // Entries must be taken before the event is over.
      const files = dropped(items);
      attempt(async () => upload(await files));
    }
  });
}
at("login").addEventListener("submit", e => {
  e.preventDefault();
  state.token = at("token").value;
  attempt(begin);
});
at("ask").addEventListener("submit", e => {
  e.preventDefault();
  const question = at("question").value.trim();
  if (!question || at("send").disabled) return;
  at("question").value = "";
  attempt(() => ask(question));
});
at("stop").addEventListener("click", () => state.running?.abort());
attempt(begin);
