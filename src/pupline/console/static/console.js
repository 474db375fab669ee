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

/** A drawing that is wider than its box begins at the state that matters: the chosen one, one that failed, or Start. */
function startDrawings() {
  for (const box of all(".figure-box")) {
    const graph = box.querySelector("svg.graph");
    const state = graph?.querySelector("[aria-current], .is-failed, .is-running") ?? graph?.querySelector(".pill");
    if (!state || box.scrollWidth <= box.clientWidth) continue;
    const [inner, outer] = [state.getBoundingClientRect(), box.getBoundingClientRect()];
    box.scrollLeft += inner.left + inner.width / 2 - outer.left - outer.width / 2;
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
