// Copy buttons: `data-copy` is the text; `data-copy-names` a command to which the picked rows' names are added.

import { pickedNames, quoted } from "./picks.js";
import { toast } from "./toasts.js";

/** @param {string} text */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast("succeeded", "Copied.");
  } catch {
    toast("failed", `The browser does not allow copying here. Copy it yourself: ${text}`);
  }
}

export function startCopying() {
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-copy], [data-copy-names]") : null;
    if (!(button instanceof HTMLElement)) return;
    const { copy: text, copyNames, selection } = button.dataset;
    if (text !== undefined) void copy(text);
    else if (copyNames !== undefined) void copy([copyNames, ...pickedNames(selection).map(quoted)].join(" "));
  });
}
