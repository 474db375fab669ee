// Makes a part of the page equal to what the server sent, and leaves alone what people did there: open <details>, typed
// text, picked rows, focus and scroll positions. Rows are matched by `id` or `data-row`, everything else by its place.

/**
 * @param {Node} node
 * @returns {string | null}
 */
function keyOf(node) {
  if (!(node instanceof Element)) return null;
  return node.id || node.getAttribute("data-row") || null;
}

/**
 * @param {Node} first
 * @param {Node} second
 */
function isSameKind(first, second) {
  return first.nodeType === second.nodeType && first.nodeName === second.nodeName && keyOf(first) === keyOf(second);
}

/** Attributes that belong to the reader of the page, not to the server. */
const OWN_ATTRIBUTES = new Set(["open", "aria-busy", "tabindex"]);

/**
 * @param {Element} from
 * @param {Element} to
 */
function morphAttributes(from, to) {
  const current = from.classList.contains("is-current");
  for (const { name, value } of to.attributes) {
    if (from.getAttribute(name) !== value && !(name === "open" && from.nodeName === "DETAILS")) from.setAttribute(name, value);
  }
  for (const { name } of [...from.attributes]) {
    if (!to.hasAttribute(name) && !OWN_ATTRIBUTES.has(name)) from.removeAttribute(name);
  }
  if (current) from.classList.add("is-current");
}

/**
 * @param {Node} from
 * @param {Node} to
 */
function morphNode(from, to) {
  if (from instanceof Element && to instanceof Element) {
    if ("keep" in /** @type {HTMLElement} */ (from).dataset) return;
    morphAttributes(from, to);
    // What was typed stays; so does a script's own work below data-keep.
    if (from instanceof HTMLTextAreaElement && from.value !== from.defaultValue) return;
    morphChildren(from, to);
  } else if (from.nodeValue !== to.nodeValue) {
    from.nodeValue = to.nodeValue;
  }
}

/**
 * @param {Element} from
 * @param {Element} to
 */
function morphChildren(from, to) {
  /** @type {Map<string, ChildNode>} */
  const keyed = new Map();
  for (const child of from.childNodes) {
    const key = keyOf(child);
    if (key !== null) keyed.set(key, child);
  }
  /** @type {ChildNode | null} */
  let next = from.firstChild;
  for (const wanted of to.childNodes) {
    const key = keyOf(wanted);
    let match = key === null ? next : keyed.get(key) ?? null;
    if (match !== null && !isSameKind(match, wanted)) match = null;
    if (match === null) {
      from.insertBefore(document.importNode(wanted, true), next);
      continue;
    }
    if (key !== null) keyed.delete(key);
    if (match === next) next = next.nextSibling;
    else from.insertBefore(match, next);
    morphNode(match, wanted);
  }
  while (next !== null) {
    const after = next.nextSibling;
    next.remove();
    next = after;
  }
}

/**
 * Makes `from` equal to `to`. The focus stays where it was, as long as its element is still there.
 * @param {Element} from
 * @param {Element} to
 */
export function morph(from, to) {
  const focused = document.activeElement;
  morphNode(from, to);
  if (focused instanceof HTMLElement && focused !== document.activeElement && focused.isConnected) {
    focused.focus({ preventScroll: true });
  }
}
