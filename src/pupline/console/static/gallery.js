// The gallery: the grid, its keyboard and the panel with the record.

import { all, known, remember, remembered } from "./dom.js";
import { startDates } from "./gallery-dates.js";
import { Grid } from "./gallery-grid.js";
import { Side } from "./gallery-side.js";

const number = new Intl.NumberFormat("en-GB");

/**
 * @param {Grid} grid
 * @param {number} index
 */
function goTo(grid, index) {
  const wanted = Math.min(grid.total - 1, Math.max(0, index));
  for (const element of grid.tiles.values()) element.classList.remove("is-current");
  grid.current = wanted;
  grid.scrollTo(wanted, true);
  const tile = grid.tiles.get(wanted);
  tile?.classList.add("is-current");
  const link = tile?.querySelector("a");
  link?.focus({ preventScroll: true });
  if (tile !== undefined) grid.onReady(tile);
}

/**
 * @param {Grid} grid
 * @param {number} by
 */
function nextIndex(grid, by) {
  if (!Number.isFinite(by)) return by;
  return grid.isInView(grid.current) ? grid.current + by : grid.firstIndex();
}

/**
 * @param {Grid} grid
 * @param {Side} side
 */
function startKeys(grid, side) {
  /** @type {Record<string, () => number>} */
  const moves = {
    j: () => 1,
    k: () => -1,
    ArrowRight: () => 1,
    ArrowLeft: () => -1,
    ArrowDown: () => grid.columns,
    ArrowUp: () => -grid.columns,
    Home: () => -Infinity,
    End: () => Infinity,
  };
  document.addEventListener(
    "keydown",
    (event) => {
      const target = event.target instanceof Element ? event.target : document.body;
      if (event.ctrlKey || event.metaKey || event.altKey || target.closest("dialog, input, textarea, select")) return;
      if (event.key === "Escape" && side.isOpen) {
        side.close();
      } else {
        const move = moves[event.key];
        if (move === undefined || target.closest("summary, .dropdown, .gallery-side")) return;
        goTo(grid, nextIndex(grid, move()));
      }
      event.preventDefault();
      event.stopPropagation();
    },
    { capture: true },
  );
}

/**
 * @param {Grid} grid
 * @param {Side} side
 */
function startClicks(grid, side) {
  grid.list.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    const tile = link?.closest("li");
    if (!link || !(tile instanceof HTMLElement) || (tile.dataset.id !== undefined && !side.canOpen)) return;
    event.preventDefault();
    if (!side.canOpen) return;
    grid.current = Number(tile.dataset.index);
    for (const other of grid.tiles.values()) other.classList.toggle("is-current", other === tile);
    side.isWanted = true;
    grid.onReady(tile);
  });
  side.onClose = () => grid.tiles.get(grid.current)?.querySelector("a")?.focus({ preventScroll: true });
}

/** @param {Grid} grid */
function startSizes(grid) {
  const buttons = all("button[data-size]");
  const choose = (/** @type {string} */ size) => {
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.size === size));
    grid.resize(size);
  };
  for (const button of buttons) {
    button.addEventListener("click", () => {
      const size = button.dataset.size ?? "medium";
      remember("gallery-size", size);
      choose(size);
    });
  }
  const size = remembered("gallery-size");
  if (size !== null && buttons.some((button) => button.dataset.size === size)) choose(size);
}

/** New images do not move what somebody looks at: a button shows them. @param {Grid} grid */
function startNews(grid) {
  const count = known("gallery-count");
  const button = known("gallery-news");
  count.addEventListener("pupline:refreshed", () => {
    const more = Number(count.dataset.count) - grid.total;
    button.hidden = more === 0;
    button.textContent = more > 0 ? `${number.format(more)} new: show` : "Changed: show";
  });
  button.addEventListener("click", () => location.reload());
}

/** Coming back to the gallery, one is where one was. @param {Grid} grid */
function startMemory(grid) {
  const name = `pupline-gallery ${location.search}`;
  const [entry] = performance.getEntriesByType("navigation");
  const isReturn = entry instanceof PerformanceNavigationTiming && entry.type !== "navigate";
  try {
    const place = Number(sessionStorage.getItem(name) ?? "0");
    if (isReturn && place > 0) grid.scrollTo(Math.min(place, grid.total - 1));
    addEventListener("pagehide", () => sessionStorage.setItem(name, String(grid.firstIndex())));
  } catch {
    // Storage is forbidden: one begins at the top.
  }
}

/** @param {HTMLElement} gallery */
async function startGallery(gallery) {
  const total = Number(gallery.dataset.total);
  const query = gallery.dataset.query ?? "";
  const grid = new Grid(known("shots"), total, query);
  const side = new Side(gallery, known("gallery-side"));
  document.getElementById("gallery-pages")?.remove();
  startSizes(grid);
  grid.onReady = (tile) => {
    const link = tile.querySelector("a");
    if (side.isWanted && link && tile.dataset.id !== undefined) void side.open(link.href);
  };
  startKeys(grid, side);
  startClicks(grid, side);
  startNews(grid);
  startMemory(grid);
  const place = known("gallery-place");
  let showDate = (/** @type {number} */ _index) => {};
  grid.onMove = (first) => {
    const day = grid.windows.at(first)?.upload_timestamp.slice(0, 10);
    const where = `from ${number.format(first + 1)}`;
    if (scrollY > 0) place.textContent = day === undefined ? where : `${where} · ${day}`;
    else place.textContent = "";
    showDate(first);
  };
  const first = Number(gallery.dataset.first);
  if (first > 0) grid.scrollTo(first);
  else grid.draw();
  showDate = await startDates(known("scrubber"), {
    total,
    query,
    isOldestFirst: new URLSearchParams(query).get("order") === "oldest",
    go: (index) => grid.scrollTo(index),
  });
}

/** On the page of one image, the arrows go to its neighbours. */
function startImage() {
  document.addEventListener(
    "keydown",
    (event) => {
      const target = event.target instanceof Element ? event.target : document.body;
      if (event.ctrlKey || event.metaKey || event.altKey || target.closest("dialog, input, textarea, select, pre")) return;
      const step = { j: "1", ArrowRight: "1", k: "-1", ArrowLeft: "-1" }[event.key];
      const link = step === undefined ? undefined : all(`a[data-step="${step}"]`)[0];
      if (!(link instanceof HTMLAnchorElement)) return;
      event.preventDefault();
      event.stopPropagation();
      location.assign(link.href);
    },
    { capture: true },
  );
}

const gallery = all("[data-gallery]")[0];
if (gallery !== undefined && gallery.dataset.total !== "") void startGallery(gallery);
else if (gallery === undefined) startImage();
