// Loads the views into the pages, as anywidget does into a notebook. Where a page says
// `<div data-view="Name">fallback</div>`, the fallback, a sentence, stays until views/Name.json is
// there, and then the module that it names draws the view in its place; with `data-invitation`, only
// when one presses a button with that text. It also makes code and tables that are wider than the
// screen reachable by keyboard.

// This file is in _static/, wherever the site is
const folder = new URL("../views/", import.meta.url);

/** Load a file of that folder from its address; an Error has the address as its cause. */
async function load(name, loadFrom) {
  const address = new URL(name, folder).href;
  try {
    return await loadFrom(address);
  } catch (error) {
    throw new Error(`${address}: ${error.message}`, { cause: address });
  }
}

async function fetchOrThrow(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
  return response;
}

async function fetchBytes(address) {
  const response = await fetchOrThrow(address);
  return new DataView(await response.arrayBuffer());
}

/**
 * Load what a kernel would send: JSON in which {"file": "abc.bin"} stands, at any depth, for the
 * bytes of that file.
 */
async function loadState(name) {
  const files = [];
  // JSON.parse calls it with `this` as the object or array that holds the key
  function noteFile(key, value) {
    if (typeof value?.file === "string") files.push({ holder: this, key, file: value.file });
    return value;
  }
  const state = await load(`${name}.json`, async (address) => {
    const response = await fetchOrThrow(address);
    return JSON.parse(await response.text(), noteFile);
  });
  async function replaceByBytes({ holder, key, file }) {
    holder[key] = await load(file, fetchBytes);
  }
  await Promise.all(files.map(replaceByBytes));
  return state;
}

/** As much of anywidget's model as a view needs where there is no kernel to talk to. */
class Model {
  #values;
  #callbacks = {};

  constructor(values) {
    this.#values = values;
  }

  get(name) {
    return this.#values[name];
  }

  set(name, value) {
    if (Object.is(this.#values[name], value)) return;
    this.#values[name] = value;
    for (const callback of this.#callbacks[`change:${name}`] ?? []) callback();
  }

  save_changes() {}

  on(event, callback) {
    (this.#callbacks[event] ??= []).push(callback);
  }
}

/** Draw a view in the place of its fallback; if that fails, say why below the fallback. */
async function show(el) {
  const fallback = [...el.childNodes];
  el.setAttribute("aria-busy", "true");
  try {
    const { module, kind, values } = await loadState(el.dataset.view);
    const { default: widget } = await load(`${module}.js`, (address) => import(address));
    el.replaceChildren();
    await widget.render({ model: new Model({ kind, values, chosen: {} }), el });
  } catch (error) {
    console.error(error);
    el.replaceChildren(...fallback);
    await window.showLoadError?.(el, error.cause); // in templates/load_error.js
  }
  el.removeAttribute("aria-busy");
}

/** Add a button that draws a view when it is pressed. */
function invite(el) {
  const button = document.createElement("button");
  button.textContent = el.dataset.invitation;
  button.addEventListener("click", () => {
    button.remove();
    show(el);
  });
  el.append(" ", button);
}

// After everything else, so that nobody waits for a view before reading; and one after the other,
// from the top.
addEventListener("load", async () => {
  for (const el of document.querySelectorAll("[data-invitation]")) invite(el);
  for (const el of document.querySelectorAll("[data-view]:not([data-invitation])")) await show(el);
});

// On a phone, code and tables may be wider than the screen: then the keyboard has to reach them, to
// scroll.
const observer = new ResizeObserver((changes) => {
  for (const { target } of changes) {
    const isWider = target.scrollWidth > target.clientWidth;
    target.tabIndex = isWider ? 0 : -1;
  }
});
for (const el of document.querySelectorAll("pre, .table-wrapper")) observer.observe(el);
