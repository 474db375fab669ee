// Short messages in the corner. Errors stay until they are closed.

import { icon, known, make } from "./dom.js";

const SECONDS = 8;
const KINDS = { succeeded: "ok", failed: "failed", running: "info" };

/**
 * @param {keyof typeof KINDS} kind
 * @param {string} text
 * @param {{ href: string, label: string }} [link]
 */
export function toast(kind, text, link) {
  const box = make("div", `toast is-${kind}`);
  box.setAttribute("role", kind === "failed" ? "alert" : "status");
  const words = make("div", "break", text);
  if (link !== undefined) {
    const anchor = make("a", "", link.label);
    anchor.href = link.href;
    words.append(" ", anchor);
  }
  const close = make("button", "button is-quiet is-icon is-small");
  close.type = "button";
  close.setAttribute("aria-label", "Close the message");
  close.append(icon("close"));
  close.addEventListener("click", () => box.remove());
  box.append(icon(KINDS[kind]), words, close);
  known("toasts").append(box);
  if (kind !== "failed") setTimeout(() => box.remove(), SECONDS * 1000);
}
