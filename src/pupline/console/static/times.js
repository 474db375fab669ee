// Times as people want them: how long ago, local time or UTC. Each time's title has all three.

import { all, remember, remembered } from "./dom.js";

const MODES = ["relative", "local", "utc"];
const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const localForm = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium" });
const zoneForm = new Intl.DateTimeFormat("en-GB", { timeZoneName: "short" });

let mode = remembered("times") ?? "relative";
if (!MODES.includes(mode)) mode = "relative";

/**
 * @param {Date} moment
 * @returns {string} such as `2026-01-31 13:00:00 CET`
 */
function localText(moment) {
  const zone = zoneForm.formatToParts(moment).find((part) => part.type === "timeZoneName")?.value ?? "";
  return `${localForm.format(moment)} ${zone}`;
}

/**
 * @param {Date} moment
 * @returns {string} such as `2026-01-31 12:00:00 UTC`
 */
function utcText(moment) {
  return `${moment.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/**
 * @param {Date} moment
 * @returns {string} such as `5 min ago` or `in 2 h`
 */
export function relativeText(moment) {
  const seconds = (Date.now() - moment.getTime()) / 1000;
  const size = Math.abs(seconds);
  let text;
  if (size < 5) return "just now";
  if (size < MINUTE) text = `${Math.round(size)} s`;
  else if (size < HOUR) text = `${Math.round(size / MINUTE)} min`;
  else if (size < DAY) text = `${Math.round(size / HOUR)} h`;
  else if (size < 60 * DAY) text = size < 1.5 * DAY ? "1 day" : `${Math.round(size / DAY)} days`;
  else return moment.toISOString().slice(0, 10);
  return seconds >= 0 ? `${text} ago` : `in ${text}`;
}

/**
 * @param {number} seconds
 * @returns {string} such as `350 ms`, `4.2 s` or `3 min 20 s`
 */
function durationText(seconds) {
  if (seconds < MINUTE) return `${Math.floor(seconds)} s`;
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min ${Math.floor(seconds % MINUTE)} s`;
  if (seconds < DAY) return `${Math.floor(seconds / HOUR)} h ${Math.floor((seconds % HOUR) / MINUTE)} min`;
  return `${Math.floor(seconds / DAY)} d ${Math.floor((seconds % DAY) / HOUR)} h`;
}

/**
 * @param {HTMLElement} element
 * @param {string} text
 */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Shows every time below `root` in the chosen form.
 * @param {ParentNode} [root]
 */
export function showTimes(root = document) {
  for (const element of all("time[datetime]", root)) {
    const moment = new Date(element.getAttribute("datetime") ?? "");
    if (Number.isNaN(moment.getTime())) continue;
    const local = localText(moment);
    const utc = utcText(moment);
    const absolute = local === utc ? utc : `${local} · ${utc}`;
    const relative = relativeText(moment);
    const full = local === utc ? `${utc}\n${relative}` : `${local}\n${utc}\n${relative}`;
    setText(element, "full" in element.dataset ? full : { relative, local, utc }[mode] ?? utc);
    const title = `${absolute} · ${relative}`;
    if (element.title !== title) element.title = title;
  }
  for (const element of all("[data-since]", root)) {
    setText(element, durationText(Math.max(0, Date.now() / 1000 - Number(element.dataset.since))));
  }
}

/** @param {string} chosen */
function choose(chosen) {
  mode = chosen;
  remember("times", chosen);
  for (const button of all("[data-times]")) button.setAttribute("aria-pressed", String(button.dataset.times === chosen));
  showTimes();
}

export function nextTimes() {
  choose(MODES[(MODES.indexOf(mode) + 1) % MODES.length] ?? "relative");
}

export function startTimes() {
  for (const button of all("[data-times]")) {
    button.addEventListener("click", () => choose(button.dataset.times ?? "relative"));
  }
  choose(mode);
  setInterval(() => document.hidden || showTimes(), 1000);
}
