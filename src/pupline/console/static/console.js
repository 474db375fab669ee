// The console's script. Pages work without it; with it they move, act and listen to the keyboard.

import { startActions } from "./actions.js";
import { startCopying } from "./copy.js";
import { all } from "./dom.js";
import { startKeyboard } from "./keyboard.js";
import { startLive } from "./live.js";
import { startPicks } from "./picks.js";
import { startTheme } from "./theme.js";
import { startTimes } from "./times.js";

function startMenu() {
  for (const button of all("[data-menu]")) {
    button.addEventListener("click", () => {
      const isOpen = document.getElementById(button.getAttribute("aria-controls") ?? "")?.classList.toggle("is-open") ?? false;
      button.setAttribute("aria-expanded", String(isOpen));
    });
  }
}

/** Filters apply when a choice is made; empty ones stay out of the URL. */
function startFilters() {
  for (const form of all("form[data-filters]")) {
    if (!(form instanceof HTMLFormElement)) continue;
    form.addEventListener("change", (event) => {
      if (event.target instanceof HTMLSelectElement) form.requestSubmit();
    });
    form.addEventListener("formdata", (event) => {
      for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
    });
  }
}

/**
 * The places of elements from left to right.
 * @param {Element[]} elements
 * @returns {{left: number, right: number}}
 */
function span(elements) {
  const places = elements.map((element) => element.getBoundingClientRect());
  return { left: Math.min(...places.map((place) => place.left)), right: Math.max(...places.map((place) => place.right)) };
}

/** A graph that is wider than its box shows the way that was taken; if that is too wide, the state that matters. */
function startDrawings() {
  for (const box of all(".figure-box")) {
    const graph = box.querySelector("svg.graph");
    if (!graph || box.scrollWidth <= box.clientWidth) continue;
    const taken = [...graph.querySelectorAll(".state:not(.is-not-entered)")];
    const mark = graph.querySelector("[aria-current], .is-failed, .is-running") ?? graph.querySelector(".pill");
    const outer = box.getBoundingClientRect();
    const way = taken.length ? span(taken) : null;
    const inner = way && way.right - way.left <= outer.width ? way : mark && span([mark]);
    if (inner) box.scrollLeft += (inner.left + inner.right - outer.left - outer.right) / 2;
  }
}

/** A click outside an open menu closes it. */
function startDropdowns() {
  document.addEventListener("click", (event) => {
    for (const details of all("details.dropdown[open]")) {
      if (!(event.target instanceof Node && details.contains(event.target))) details.removeAttribute("open");
    }
  });
}

startTheme();
startTimes();
startMenu();
startFilters();
startDropdowns();
startDrawings();
startPicks();
startCopying();
startActions();
startKeyboard();
startLive();
