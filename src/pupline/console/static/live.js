// Live parts: an element with an `id` and `data-live="topic …"` is made equal to what the server has now whenever one of
// its topics changes. The page itself is the representation: it is fetched again, and only what differs is changed.

import { all } from "./dom.js";
import { morph } from "./morph.js";
import { showPicks } from "./picks.js";
import { showTimes } from "./times.js";

/** Between two fetches: a page that is fetched more often takes processor time from the ingest that it shows. */
const LEAST_MILLISECONDS = 1000;
const RETRY_MILLISECONDS = [1000, 2000, 5000, 10000];
/** Browsers open six connections to one host: a hidden tab gives its own back. */
const HIDDEN_MILLISECONDS = 15_000;

/** @type {EventSource | null} */
let source = null;
/** From where on changes are asked for: the page's making, and then the last change that was received. */
let cursor = document.querySelector("meta[name=pupline-live-cursor]")?.getAttribute("content") ?? "";
let failures = 0;
let retryTimer = 0;
let hiddenTimer = 0;

/** @type {Map<string, string>} */
const shown = new Map();
/** @type {Set<string>} */
const changed = new Set();
let isFetching = false;
let nextFetch = 0;

/** @returns {HTMLElement[]} */
function parts() {
  return all("[data-live][id]");
}

/** @param {HTMLElement} part */
function topicsOf(part) {
  return (part.dataset.live ?? "").split(/\s+/).filter(Boolean);
}

/** @param {"live" | "reconnecting" | "off"} state */
function showState(state) {
  const sign = document.getElementById("live");
  if (sign === null || sign.dataset.state === state) return;
  sign.dataset.state = state;
  sign.textContent = { live: "live", reconnecting: "reconnecting", off: "not live" }[state];
}

/** Fetches the page and changes the parts whose topics changed. */
async function refresh() {
  const topics = new Set(changed);
  changed.clear();
  const began = performance.now();
  const response = await fetch(location.href, { headers: { Accept: "text/html" }, credentials: "same-origin" });
  if (!response.ok) throw new Error(`status ${response.status}`);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const part of parts()) {
    if (!topicsOf(part).some((topic) => topics.has(topic))) continue;
    const wanted = page.getElementById(part.id);
    if (wanted === null || shown.get(part.id) === wanted.outerHTML) continue;
    shown.set(part.id, wanted.outerHTML);
    morph(part, wanted);
    showTimes(part);
    part.dispatchEvent(new CustomEvent("pupline:refreshed", { bubbles: true }));
  }
  showPicks();
  // A page that takes long is asked for less often.
  nextFetch = performance.now() + Math.max(LEAST_MILLISECONDS, 4 * (performance.now() - began));
}

async function work() {
  if (isFetching) return;
  isFetching = true;
  try {
    while (changed.size > 0 && !document.hidden) {
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, nextFetch - performance.now())));
      await refresh();
    }
  } catch {
    for (const part of parts()) for (const topic of topicsOf(part)) changed.add(topic);
    reconnect();
  } finally {
    isFetching = false;
  }
}

/** @param {MessageEvent<string>} event */
function received(event) {
  if (event.lastEventId) cursor = event.lastEventId;
  const { topic } = JSON.parse(event.data);
  changed.add(String(topic));
  void work();
}

function disconnect() {
  source?.close();
  source = null;
  clearTimeout(retryTimer);
}

function reconnect() {
  disconnect();
  showState("reconnecting");
  retryTimer = setTimeout(connect, RETRY_MILLISECONDS[Math.min(failures, RETRY_MILLISECONDS.length - 1)]);
  failures += 1;
}

function connect() {
  disconnect();
  const topics = [...new Set(parts().flatMap(topicsOf))];
  if (topics.length === 0) return;
  const query = new URLSearchParams(topics.map((topic) => ["topic", topic]));
  if (cursor) query.set("after", cursor);
  source = new EventSource(`/api/live?${query}`);
  source.addEventListener("open", () => {
    showState("live");
    failures = 0;
    void work();
  });
  source.addEventListener("message", received);
  source.addEventListener("error", reconnect);
}

function visibilityChanged() {
  clearTimeout(hiddenTimer);
  if (document.hidden) {
    hiddenTimer = setTimeout(disconnect, HIDDEN_MILLISECONDS);
  } else if (source === null) {
    connect();
  } else {
    void work();
  }
}

export function startLive() {
  for (const part of parts()) shown.set(part.id, "");
  document.addEventListener("visibilitychange", visibilityChanged);
  addEventListener("pageshow", (event) => event.persisted && visibilityChanged());
  addEventListener("pagehide", disconnect);
  connect();
}
