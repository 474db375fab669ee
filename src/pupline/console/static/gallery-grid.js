// The grid: the page is as long as all images, the browser scrolls it, and only what is near the view are elements.

import { known } from "./dom.js";
import { Windows } from "./gallery-windows.js";

/** @typedef {import("./gallery-windows.js").Image} Image */

const SPARE_ROWS = 2;
const SETTLE_MILLISECONDS = 60;
/** Browsers cannot show pages of any height: a longer one is scrolled in proportion. */
const MAX_HEIGHT = 8_000_000;
const PICTURE_RETRIES = 5;
const PICTURE_RETRY_MILLISECONDS = 1500;
/** Least width of a tile in rem, by the chosen size. On a phone there are at least two columns. */
const WIDTHS = /** @type {Record<string, number>} */ ({ small: 7.5, medium: 11.5, large: 18 });

/** The icons of _tile.html for what is not an image, by outcome. */
const ICONS = /** @type {Record<string, string>} */ ({ quarantined: "warning", refused: "aborted" });

export class Grid {
  /**
   * @param {HTMLElement} list
   * @param {number} total
   * @param {string} query
   */
  constructor(list, total, query) {
    this.list = list;
    this.total = total;
    this.query = query;
    this.size = "medium";
    this.columns = 1;
    this.width = 0;
    this.step = 1;
    this.gap = 12;
    /** The tile that has the keyboard, which stays an element wherever the view is. */
    this.current = -1;
    this.template = /** @type {HTMLTemplateElement} */ (known("shot-template"));
    /** @type {Map<number, HTMLElement>} */
    this.tiles = new Map();
    this.windows = new Windows(query, () => this.draw());
    this.frame = 0;
    this.timer = 0;
    /** @type {(first: number, last: number) => void} */
    this.onMove = () => undefined;
    /** Called when the tile that has the keyboard has its image. @type {(tile: HTMLElement) => void} */
    this.onReady = () => undefined;
    for (const tile of /** @type {NodeListOf<HTMLElement>} */ (list.querySelectorAll(":scope > [data-index]"))) {
      this.tiles.set(Number(tile.dataset.index), tile); // those that came with the page
    }
    list.classList.add("is-virtual");
    addEventListener("scroll", () => this.drawSoon(), { passive: true });
    new ResizeObserver(() => this.layOut()).observe(list);
    this.layOut();
  }

  get rows() {
    return Math.ceil(this.total / this.columns);
  }

  get height() {
    return Math.max(0, this.rows * this.step - this.gap);
  }

  get top() {
    return this.list.getBoundingClientRect().top + scrollY;
  }

  /** How far the view is into all images, in pixels of the whole height. */
  get offset() {
    const scrolled = scrollY - this.top;
    const shown = this.height - MAX_HEIGHT;
    if (shown <= 0) return Math.max(0, scrolled);
    const share = scrolled / (MAX_HEIGHT - innerHeight);
    return Math.min(1, Math.max(0, share)) * (this.height - innerHeight);
  }

  /** Lays out all tiles for the current width; what was in view stays in view. */
  layOut() {
    const width = this.list.clientWidth;
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const first = this.width > 0 ? this.firstIndex() : -1;
    const keeps = this.isInView(this.current);
    this.gap = width < 640 ? 8 : 12;
    const least = Math.min((WIDTHS[this.size] ?? 11.5) * rem, width * 0.45);
    this.columns = Math.max(1, Math.floor((width + this.gap) / (least + this.gap)));
    const tile = (width - this.gap * (this.columns - 1)) / this.columns;
    if (tile === this.width && this.list.style.height !== "") return;
    this.width = tile;
    this.step = Math.ceil(tile + 3.375 * rem + 2) + this.gap;
    this.list.style.height = `${Math.min(this.height, MAX_HEIGHT)}px`;
    if (first > 0 && scrollY > this.top) this.scrollTo(first);
    if (keeps) this.scrollTo(this.current, true);
    this.draw();
  }

  /** @param {number} index */
  isInView(index) {
    const box = this.tiles.get(index)?.getBoundingClientRect();
    return box !== undefined && box.bottom > 0 && box.top < innerHeight;
  }

  /** @param {string} size */
  resize(size) {
    this.size = size;
    this.list.dataset.size = size;
    this.width = this.width > 0 ? this.width - 0.001 : 0; // so that it is not taken for the same
    this.layOut();
  }

  firstIndex() {
    return Math.min(this.total - 1, Math.floor((this.offset + this.gap) / this.step) * this.columns);
  }

  /**
   * Scrolls until a tile is in view.
   * @param {number} index
   * @param {boolean} [nearest] no farther than needed
   */
  scrollTo(index, nearest = false) {
    const at = Math.floor(index / this.columns) * this.step;
    const bar = 64;
    let target = at - bar;
    if (nearest) {
      const offset = this.offset;
      if (at - bar >= offset && at + this.step <= offset + innerHeight) return;
      if (at + this.step > offset + innerHeight) target = at + this.step - innerHeight;
    }
    const share = this.height > MAX_HEIGHT ? (MAX_HEIGHT - innerHeight) / (this.height - innerHeight) : 1;
    scrollTo({ top: this.top + target * share, behavior: "instant" });
    this.draw();
  }

  drawSoon() {
    if (this.frame === 0) this.frame = requestAnimationFrame(() => this.draw());
  }

  draw() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    const offset = this.offset;
    const above = Math.max(0, scrollY - this.top);
    const shift = this.height > MAX_HEIGHT ? above - offset : 0;
    const firstRow = Math.max(0, Math.floor(offset / this.step) - SPARE_ROWS);
    const lastRow = Math.min(this.rows - 1, Math.floor((offset + innerHeight) / this.step) + SPARE_ROWS);
    const first = firstRow * this.columns;
    const last = Math.min(this.total - 1, (lastRow + 1) * this.columns - 1);
    for (const [index, element] of this.tiles) {
      if ((index >= first && index <= last) || index === this.current) continue;
      element.querySelector("img")?.removeAttribute("src"); // a picture that nobody sees is not fetched
      element.remove();
      this.tiles.delete(index);
    }
    for (let index = first; index <= last; index += 1) this.place(index, shift);
    if (this.current >= 0 && this.tiles.has(this.current)) this.place(this.current, shift);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.windows.want(first, last), SETTLE_MILLISECONDS);
    this.onMove(this.firstIndex(), last);
  }

  /**
   * @param {number} index
   * @param {number} shift
   */
  place(index, shift) {
    let element = this.tiles.get(index);
    const image = this.windows.at(index);
    if (element === undefined || (image !== undefined && element.dataset.id === undefined)) {
      const made = this.make(index, image);
      const hadFocus = element?.contains(document.activeElement) ?? false;
      if (element === undefined) this.list.insertBefore(made, this.after(index));
      else element.replaceWith(made);
      this.tiles.set(index, (element = made));
      if (hadFocus) made.querySelector("a")?.focus({ preventScroll: true });
      if (index === this.current && image !== undefined) this.onReady(made);
    }
    const x = (index % this.columns) * (this.width + this.gap);
    const y = Math.floor(index / this.columns) * this.step + shift;
    element.style.transform = `translate(${x}px, ${y}px)`;
    element.style.width = `${this.width}px`;
  }

  /**
   * The tile that comes after an index, so that the order of the elements is that of the images.
   * @param {number} index
   * @returns {HTMLElement | null}
   */
  after(index) {
    let next = Infinity;
    for (const other of this.tiles.keys()) if (other > index && other < next) next = other;
    return this.tiles.get(next) ?? null;
  }

  /**
   * @param {number} index
   * @param {Image | undefined} image
   * @returns {HTMLElement}
   */
  make(index, image) {
    const copy = /** @type {DocumentFragment} */ (this.template.content.cloneNode(true));
    const element = /** @type {HTMLElement} */ (copy.firstElementChild);
    element.dataset.index = String(index);
    element.setAttribute("aria-setsize", String(this.total));
    element.setAttribute("aria-posinset", String(index + 1));
    element.classList.toggle("is-current", index === this.current);
    if (image === undefined) {
      element.classList.add("is-waiting");
      element.setAttribute("aria-busy", "true");
      element.querySelector(".shot-image.no-picture")?.remove();
      element.querySelector(".shot-marks")?.remove();
      return element;
    }
    element.dataset.id = image.id;
    fill(element, image, this.query);
    return element;
  }
}

/**
 * @param {HTMLElement} element
 * @param {Image} image
 * @param {string} query
 */
function fill(element, image, query) {
  const part = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (element.querySelector(selector));
  part("a").setAttribute("href", `${image.tile.page}${query}`);
  part(".shot-name").textContent = image.tile.label;
  part(".shot-facts").textContent = image.tile.facts;
  const picture = /** @type {HTMLImageElement} */ (part("img"));
  const facts = part(".no-picture");
  if (image.thumbnail === null) {
    picture.remove();
    facts.classList.add(`is-${image.outcome}`);
    part("[data-outcome]").textContent = image.outcome;
    facts.querySelector("use")?.setAttribute("href", `#i-${ICONS[image.outcome] ?? "failed"}`);
  } else {
    facts.remove();
    showPicture(picture, image.thumbnail);
  }
  if (!image.alert_triggered) part("[data-mark=alert]").remove();
  else part("[data-mark=alert]").title = `Alert: ${image.alert_reasons.join(", ").replaceAll("_", " ")}`;
  if (image.outcome !== "duplicate") part("[data-mark=duplicate]").remove();
}

/**
 * Shows a picture; one that is not ready yet, because many are asked for, is asked for again.
 * @param {HTMLImageElement} picture
 * @param {string} source
 */
function showPicture(picture, source) {
  let failures = 0;
  picture.addEventListener("error", () => {
    failures += 1;
    if (failures > PICTURE_RETRIES) return;
    setTimeout(() => {
      if (picture.isConnected && picture.hasAttribute("src")) picture.src = source;
    }, failures * PICTURE_RETRY_MILLISECONDS);
  });
  picture.src = source;
}
