// Dates next to the scroll bar: where each day or month begins among all images; a click goes there.

import { make } from "./dom.js";

/** @typedef {{value: string | null, count: number}} Day */
/** @typedef {{label: string, index: number}} Stop */

const LEAST_IMAGES = 200;
const LEAST_PIXELS = 26;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** @param {string} day such as `2026-01-31` */
function labelOf(day) {
  const [, month = "1", number = "1"] = day.split("-");
  return `${Number(number)} ${MONTHS[Number(month) - 1]}`;
}

/**
 * The first image of each day, as far as there is room to say so.
 * @param {Day[]} days in the order of the images
 * @param {number} total
 * @param {number} height
 * @returns {Stop[]}
 */
export function stopsOf(days, total, height) {
  /** @type {Stop[]} */
  const stops = [];
  let index = 0;
  let last = -Infinity;
  for (const day of days) {
    const at = (index / total) * height;
    if (day.value !== null && at - last >= LEAST_PIXELS) {
      stops.push({ label: labelOf(day.value), index });
      last = at;
    }
    index += day.count;
  }
  return stops;
}

/**
 * @param {HTMLElement} nav
 * @param {{total: number, query: string, isOldestFirst: boolean, go: (index: number) => void}} options
 * @returns {Promise<(index: number) => void>} shows where one is
 */
export async function startDates(nav, { total, query, isOldestFirst, go }) {
  const parameters = new URLSearchParams(query);
  parameters.set("field", "day");
  const response = total < LEAST_IMAGES ? null : await fetch(`/api/gallery/facets?${parameters}`);
  if (response === null || !response.ok) return () => undefined;
  const { values } = /** @type {{values: Day[]}} */ (await response.json());
  // The days ignore a choice of days; then there are others among them, and places would be wrong.
  const isAll = values.reduce((sum, day) => sum + day.count, 0) === total;
  if (!isAll || values.length < 2) return () => undefined;
  nav.hidden = false;
  const height = nav.clientHeight;
  const stops = stopsOf(isOldestFirst ? values.toReversed() : values, total, height);
  const buttons = stops.map(({ label, index }) => {
    const button = make("button", "", label);
    button.type = "button";
    button.style.top = `${(index / total) * height + 10}px`;
    button.addEventListener("click", () => go(index));
    return button;
  });
  nav.append(...buttons);
  return (place) => {
    const current = stops.findLastIndex(({ index }) => index <= place);
    for (const [number, button] of buttons.entries()) {
      if (number === current) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    }
  };
}
