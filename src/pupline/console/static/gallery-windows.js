// Images by their place, fetched in windows: those in view first, those out of view given up, a bounded number kept.

/**
 * @typedef {{label: string, facts: string, text: string, page: string}} Tile
 * @typedef {{id: string, outcome: string, alert_triggered: boolean, alert_reasons: string[], thumbnail: string | null,
 *   upload_timestamp: string, tile: Tile}} Image
 * @typedef {{items: Image[], count: number}} ImageList
 */

const SIZE = 120;
const KEPT = 40;
const RETRY_MILLISECONDS = 2000;

export class Windows {
  /**
   * @param {string} query the filters, with the question mark, or nothing
   * @param {() => void} changed called when images have come
   */
  constructor(query, changed) {
    this.query = query;
    this.changed = changed;
    /** @type {Map<number, Image[]>} */
    this.loaded = new Map();
    /** @type {Map<number, AbortController>} */
    this.asked = new Map();
  }

  /**
   * @param {number} index
   * @returns {Image | undefined} undefined while it is not known
   */
  at(index) {
    return this.loaded.get(Math.floor(index / SIZE))?.[index % SIZE];
  }

  /**
   * Fetches what is missing of a range, and gives up what else is on its way.
   * @param {number} first
   * @param {number} last
   */
  want(first, last) {
    const wanted = new Set();
    for (let number = Math.floor(first / SIZE); number <= Math.floor(last / SIZE); number += 1) wanted.add(number);
    for (const [number, controller] of this.asked) {
      if (wanted.has(number)) continue;
      controller.abort();
      this.asked.delete(number);
    }
    for (const number of wanted) {
      const known = this.loaded.get(number);
      if (known === undefined) void this.fetch(number);
      else {
        this.loaded.delete(number); // the order of the map is that of the last use
        this.loaded.set(number, known);
      }
    }
    for (const number of this.loaded.keys()) {
      if (this.loaded.size <= KEPT) break;
      if (!wanted.has(number)) this.loaded.delete(number);
    }
  }

  /** @param {number} number */
  async fetch(number) {
    if (this.asked.has(number)) return;
    const controller = new AbortController();
    this.asked.set(number, controller);
    const parameters = new URLSearchParams(this.query);
    parameters.set("offset", String(number * SIZE));
    parameters.set("limit", String(SIZE));
    try {
      const response = await fetch(`/api/gallery?${parameters}`, { signal: controller.signal });
      if (!response.ok) throw new Error(`status ${response.status}`);
      const list = /** @type {ImageList} */ (await response.json());
      this.loaded.set(number, list.items);
    } catch {
      if (controller.signal.aborted) return;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MILLISECONDS));
    }
    if (this.asked.get(number) === controller) this.asked.delete(number);
    this.changed();
  }

  /** Forgets all, because the images have changed. */
  clear() {
    for (const controller of this.asked.values()) controller.abort();
    this.asked.clear();
    this.loaded.clear();
  }
}
