// Buttons and forms that act: JSON with the page's token, after a question where there is one, with clear errors.

import { all, known } from "./dom.js";
import { pickedNames, quoted } from "./picks.js";
import { toast } from "./toasts.js";

/** @typedef {Record<string, unknown>} JsonObject */

/** A field that cannot be sent as it is. */
class InvalidField extends Error {
  /**
   * @param {HTMLElement} field
   * @param {string} message
   */
  constructor(field, message) {
    super(message);
    this.field = field;
  }
}

/**
 * Whether the reader agrees. Without a question there is nothing to ask.
 * @param {HTMLElement} source
 * @param {string} label
 */
function confirmed(source, label) {
  const { confirm: question, command } = source.dataset;
  if (question === undefined) return Promise.resolve(true);
  const dialog = /** @type {HTMLDialogElement} */ (known("confirm-dialog"));
  const part = (/** @type {string} */ name) => /** @type {HTMLElement} */ (dialog.querySelector(`[data-confirm-${name}]`));
  const names = source.dataset.selection === undefined ? [] : pickedNames(source.dataset.selection);
  part("title").textContent = `${label}?`;
  part("text").textContent = question.replace("{count}", String(names.length));
  part("button").textContent = label;
  part("button").className = source.classList.contains("is-danger") ? "button is-danger" : "button is-primary";
  part("command").hidden = command === undefined;
  /** @type {HTMLElement} */ (part("command").querySelector("code")).textContent = (command ?? "").replace(/ NAME$/, ` ${names.map(quoted).join(" ")}`);
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "confirm"), { once: true });
  });
}

/**
 * @param {string} url
 * @param {string} method
 * @param {JsonObject} body
 * @returns {Promise<JsonObject>} the answer; an error of the API is thrown as Error with its message
 */
export async function send(url, method, body) {
  const token = document.querySelector("meta[name=pupline-token]")?.getAttribute("content") ?? "";
  let response;
  try {
    response = await fetch(url, {
      method,
      headers: { "Content-Type": "application/json", "X-Pupline-Token": token },
      body: JSON.stringify(body),
      credentials: "same-origin",
    });
  } catch {
    throw new Error("The console does not answer. Is `pupline serve` still running?");
  }
  /** @type {JsonObject} */
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  if (response.status === 403) throw new Error(`${answer.message ?? "Not allowed."} Reload the page if the console was restarted.`);
  throw new Error(String(answer.message ?? `The console answered with status ${response.status}.`));
}

/**
 * What the answer means for the reader: a page to go to, or a message.
 * @param {HTMLElement} source
 * @param {string} label
 * @param {JsonObject} answer
 */
function report(source, label, answer) {
  const job = /** @type {JsonObject} */ (answer.job ?? answer);
  const href = typeof job.href === "string" ? job.href : job.id === undefined ? undefined : `/jobs/${encodeURIComponent(String(job.id))}`;
  if (source.dataset.then === "follow" && href !== undefined) location.assign(href);
  else if (source.dataset.then === "reload") location.reload();
  else toast("succeeded", String(answer.message ?? `${job.title ?? label}: ${job.state ?? job.status ?? "done"}.`), href === undefined ? undefined : { href, label: "Show the job" });
}

/**
 * @param {HTMLElement} source a button or a form with `data-action`
 * @param {HTMLElement} button the one that waits
 * @param {JsonObject} body
 */
async function act(source, button, body) {
  const label = button.textContent?.trim() ?? "";
  if (button.getAttribute("aria-busy") === "true" || !(await confirmed(source, label))) return;
  button.setAttribute("aria-busy", "true");
  try {
    report(source, label, await send(source.dataset.action ?? "", source.dataset.method ?? "POST", body));
  } catch (error) {
    toast("failed", error instanceof Error ? error.message : String(error));
  } finally {
    button.removeAttribute("aria-busy");
  }
}

/**
 * The value of a field. `data-type`: json, json-text (the text of a JSON value), number, or list (one entry per line);
 * text without it. Empty fields are left out of the body.
 * @param {HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement} field
 * @returns {unknown}
 */
function valueOf(field) {
  if (field instanceof HTMLInputElement && field.type === "checkbox") return field.checked;
  const text = field.value;
  if (text.trim() === "") return undefined;
  const type = field.dataset.type ?? (field.type === "number" ? "number" : "text");
  if (type === "number") return Number(text);
  if (type === "list") return text.split("\n").map((line) => line.trim()).filter(Boolean);
  if (type !== "json" && type !== "json-text") return text;
  try {
    const value = JSON.parse(text);
    return type === "json" ? value : text;
  } catch (error) {
    throw new InvalidField(field, `This is not valid JSON: ${error instanceof Error ? error.message : error}`);
  }
}

/**
 * @param {HTMLFormElement} form
 * @returns {JsonObject}
 */
function bodyOf(form) {
  /** @type {JsonObject} */
  const body = form.dataset.body === undefined ? {} : JSON.parse(form.dataset.body);
  for (const field of form.elements) {
    if (!(field instanceof HTMLInputElement || field instanceof HTMLSelectElement || field instanceof HTMLTextAreaElement)) continue;
    if (!field.name || field.disabled || (field instanceof HTMLInputElement && field.type === "radio" && !field.checked)) continue;
    const value = valueOf(field);
    if (value !== undefined) body[field.name] = value;
  }
  return body;
}

/** @param {HTMLFormElement} form */
function clearErrors(form) {
  for (const message of all(".field-error[data-own]", form)) message.remove();
  for (const field of all("[aria-invalid]", form)) {
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-errormessage");
  }
}

/** @param {InvalidField} error */
function showError({ field, message }) {
  const text = document.createElement("p");
  text.className = "field-error";
  text.id = `${field.id || "field"}-error`;
  text.dataset.own = "";
  text.textContent = message;
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-errormessage", text.id);
  field.after(text);
  field.focus();
}

export function startActions() {
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("button[data-action]") : null;
    if (!(button instanceof HTMLElement)) return;
    event.preventDefault();
    /** @type {JsonObject} */
    const body = button.dataset.body === undefined ? {} : JSON.parse(button.dataset.body);
    if (button.dataset.selection !== undefined) body.names = pickedNames(button.dataset.selection);
    void act(button, button, body);
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || form.dataset.action === undefined) return;
    event.preventDefault();
    clearErrors(form);
    try {
      const button = event.submitter ?? form;
      void act(form, button, bodyOf(form));
    } catch (error) {
      if (!(error instanceof InvalidField)) throw error;
      showError(error);
    }
  });
}
