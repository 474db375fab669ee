// The theme: as the system, light or dark. first.js applies the choice before the first paint.

import { all, remember } from "./dom.js";

const NAMES = { system: "as the system", light: "light", dark: "dark" };
/** @type {Record<string, keyof typeof NAMES>} */
const NEXT = { system: "light", light: "dark", dark: "system" };

/** @returns {keyof typeof NAMES} */
function current() {
  const theme = document.documentElement.dataset.theme;
  return theme === "light" || theme === "dark" ? theme : "system";
}

function label() {
  for (const button of all("[data-theme-switch]")) {
    const text = `Theme: ${NAMES[current()]}`;
    button.setAttribute("aria-label", text);
    button.title = text;
  }
}

export function startTheme() {
  label();
  for (const button of all("[data-theme-switch]")) {
    button.addEventListener("click", () => {
      const theme = NEXT[current()] ?? "system";
      if (theme === "system") delete document.documentElement.dataset.theme;
      else document.documentElement.dataset.theme = theme;
      remember("theme", theme === "system" ? null : theme);
      label();
    });
  }
}
