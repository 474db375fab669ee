// The record next to its picture, in a panel next to the grid where there is room for one.

import { icon, make } from "./dom.js";
import { showTimes } from "./times.js";

const WIDE = matchMedia("(min-width: 64.01rem)");

export class Side {
  /**
   * @param {HTMLElement} gallery
   * @param {HTMLElement} panel
   */
  constructor(gallery, panel) {
    this.gallery = gallery;
    this.panel = panel;
    /** Whether it is open, or will be as soon as the image is known. */
    this.isWanted = false;
    /** @type {AbortController | null} */
    this.asked = null;
    /** @type {() => void} */
    this.onClose = () => undefined;
    WIDE.addEventListener("change", () => this.close());
  }

  get canOpen() {
    return WIDE.matches;
  }

  get isOpen() {
    return !this.panel.hidden;
  }

  /** @param {string} url of the image's page */
  async open(url) {
    this.asked?.abort();
    const asked = (this.asked = new AbortController());
    try {
      const response = await fetch(url, { headers: { Accept: "text/html" }, signal: asked.signal });
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      if (asked !== this.asked) return;
      const article = page.getElementById("image");
      if (!response.ok || article === null) throw new Error(`status ${response.status}`);
      this.show(page.querySelector("h1")?.textContent ?? "", url, article);
    } catch {
      if (!asked.signal.aborted) location.assign(url); // the page itself says what is wrong
    }
  }

  /**
   * @param {string} title
   * @param {string} url
   * @param {HTMLElement} article
   */
  show(title, url, article) {
    const head = make("div", "side-head");
    const heading = make("h2");
    const link = make("a", "", title);
    link.href = url;
    heading.append(link);
    const button = make("button", "button is-quiet is-icon");
    button.type = "button";
    button.setAttribute("aria-label", "Close");
    button.title = "Close (Esc)";
    button.append(icon("close"));
    button.addEventListener("click", () => this.close());
    head.append(heading, button);
    const opens = this.panel.hidden;
    this.panel.replaceChildren(head, document.importNode(article, true));
    this.panel.scrollTop = 0;
    showTimes(this.panel);
    if (opens) {
      this.panel.hidden = false;
      this.gallery.classList.add("has-side");
    }
  }

  close() {
    this.asked?.abort();
    this.asked = null;
    this.isWanted = false;
    if (this.panel.hidden) return;
    this.panel.hidden = true;
    this.panel.replaceChildren();
    this.gallery.classList.remove("has-side");
    this.onClose();
  }
}
