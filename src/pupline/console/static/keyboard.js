// The keyboard: rows and cards are elements with `data-row`; `?` shows all keys.

import { all } from "./dom.js";
import { showPicks } from "./picks.js";
import { nextTimes } from "./times.js";

const PREFIX_SECONDS = 1.5;
let prefixUntil = 0;

/** @returns {HTMLElement[]} */
function rows() {
  return all("[data-row]").filter((row) => row.offsetParent !== null);
}

/** @returns {HTMLElement | undefined} */
function currentRow() {
  const within = document.activeElement?.closest("[data-row]");
  return within instanceof HTMLElement ? within : all("[data-row].is-current")[0];
}

/** @param {HTMLElement | undefined} row */
function goTo(row) {
  if (row === undefined) return;
  for (const other of all("[data-row].is-current")) other.classList.remove("is-current");
  row.classList.add("is-current");
  const target = row.matches("a[href]") ? row : row.querySelector(".cell-main[href], .entry-head a") ?? row.querySelector("a[href]");
  if (target instanceof HTMLElement) target.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

/** @param {number} by */
function step(by) {
  const found = rows();
  const row = currentRow();
  const index = row === undefined ? -1 : found.indexOf(row);
  goTo(found[index === -1 ? (by > 0 ? 0 : found.length - 1) : Math.min(found.length - 1, Math.max(0, index + by))]);
}

/**
 * The nearest card above or below, where cards stand in a grid.
 * @param {number} direction -1 up, 1 down
 */
function vertical(direction) {
  const row = currentRow();
  if (row === undefined) return step(direction);
  const here = row.getBoundingClientRect();
  const centre = here.left + here.width / 2;
  let best;
  let least = Infinity;
  for (const other of rows()) {
    const box = other.getBoundingClientRect();
    const down = (box.top - here.top) * direction;
    if (down < here.height / 2) continue;
    const distance = down * 4 + Math.abs(box.left + box.width / 2 - centre);
    if (distance < least) [best, least] = [other, distance];
  }
  goTo(best);
}

/** @returns {boolean} whether there was something to leave */
function leave() {
  const active = document.activeElement;
  const open = all("details.dropdown[open]");
  if (open.length > 0) for (const details of open) details.removeAttribute("open");
  else if (active instanceof HTMLElement && active.matches("input, textarea, select")) active.blur();
  else if (document.body.dataset.parent !== undefined) location.assign(document.body.dataset.parent);
  else return false;
  return true;
}

function pick() {
  const box = currentRow()?.querySelector("input[data-pick]");
  if (!(box instanceof HTMLInputElement)) return;
  box.checked = !box.checked;
  showPicks();
}

/** @param {string} key */
function goToPage(key) {
  const link = all(".nav a[data-key]").find((one) => one.dataset.key === key);
  if (link instanceof HTMLAnchorElement) location.assign(link.href);
}

/** @type {Record<string, () => void>} */
const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  x: pick,
  t: nextTimes,
  g: () => (prefixUntil = Date.now() + PREFIX_SECONDS * 1000),
  "/": () => all("[data-search]")[0]?.focus(),
  "?": () => /** @type {HTMLDialogElement | null} */ (document.getElementById("keys-dialog"))?.showModal(),
};

/** @type {Record<string, () => void>} */
const GRID_KEYS = {
  ArrowRight: () => step(1),
  ArrowLeft: () => step(-1),
  ArrowDown: () => vertical(1),
  ArrowUp: () => vertical(-1),
};

/** @param {KeyboardEvent} event */
function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const target = event.target instanceof Element ? event.target : document.body;
  if (target.closest("dialog") !== null) return;
  if (event.key === "Escape") return void (leave() && event.preventDefault());
  if (target.matches("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]")) return;
  if (Date.now() < prefixUntil) {
    prefixUntil = 0;
    return goToPage(event.key);
  }
  const inGrid = document.querySelector("[data-grid]") !== null && !target.matches("summary, .segments *");
  const does = KEYS[event.key] ?? (inGrid ? GRID_KEYS[event.key] : undefined);
  if (does === undefined) return;
  event.preventDefault();
  does();
}

export function startKeyboard() {
  document.addEventListener("keydown", pressed);
}
