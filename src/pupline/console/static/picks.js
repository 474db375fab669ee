// Rows picked for a bulk action: checkboxes with `data-pick`, one with `data-pick-all`, and a bar that counts them.

import { all } from "./dom.js";

/**
 * @param {string} [selection] the id of the table; all tables without it
 * @returns {HTMLInputElement[]}
 */
function picks(selection) {
  const root = selection === undefined ? document : document.getElementById(selection) ?? document;
  return /** @type {HTMLInputElement[]} */ (all("input[data-pick]", root));
}

/**
 * The names of the picked rows: the values of their checkboxes.
 * @param {string} [selection]
 */
export function pickedNames(selection) {
  return picks(selection)
    .filter((pick) => pick.checked)
    .map((pick) => pick.value);
}

/**
 * A word as a shell takes it.
 * @param {string} word
 */
export function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

export function showPicks() {
  const boxes = picks();
  const count = boxes.filter((pick) => pick.checked).length;
  for (const bar of all("[data-bulk-bar]")) bar.hidden = count === 0;
  for (const figure of all("[data-picked-count]")) figure.textContent = `${count} selected`;
  for (const box of all("[data-pick-all]")) {
    if (!(box instanceof HTMLInputElement)) continue;
    box.checked = count > 0 && count === boxes.length;
    box.indeterminate = count > 0 && count < boxes.length;
  }
}

export function startPicks() {
  document.addEventListener("change", (event) => {
    const box = event.target;
    if (!(box instanceof HTMLInputElement)) return;
    if ("pickAll" in box.dataset) for (const pick of picks()) pick.checked = box.checked;
    if ("pickAll" in box.dataset || "pick" in box.dataset) showPicks();
  });
  showPicks();
}
