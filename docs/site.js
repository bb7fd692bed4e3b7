// Brings the views to life. Where the page says `<div data-view="Name">a sentence</div>`, the
// sentence stays until views/Name.json has come, and then views/views.js draws the view in its
// place, as anywidget would in a notebook.

// This file is in _static/, wherever the site is
const folder = new URL("../views/", import.meta.url);

/** Load a file of that folder and use it; an Error has its address as the cause. */
async function load(name, use) {
  const address = new URL(name, folder).href;
  try {
    return await use(address);
  } catch (error) {
    throw new Error(`${address}: ${error.message}`, { cause: address });
  }
}

async function get(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
  return answer;
}

// What a kernel would send: JSON in which {"file": "abc.bin"} stands for the bytes of that file, at
// any depth.
async function loadState(name) {
  const files = [];
  const note = function (key, value) {
    if (typeof value?.file === "string") files.push([this, key, value.file]);
    return value;
  };
  const state = await load(`${name}.json`, async (address) =>
    JSON.parse(await (await get(address)).text(), note),
  );
  await Promise.all(
    files.map(async ([place, key, file]) => {
      place[key] = new DataView(
        await load(file, async (address) => (await get(address)).arrayBuffer()),
      );
    }),
  );
  return state;
}

// As much of anywidget's model as a view needs where there is no kernel to talk to.
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

async function show(el) {
  const sentence = [...el.childNodes];
  el.setAttribute("aria-busy", "true");
  try {
    const { kind, values } = await loadState(el.dataset.view);
    const { default: widget } = await load("views.js", (address) => import(address));
    el.replaceChildren();
    await widget.render({ model: new Model({ kind, values, chosen: {} }), el });
  } catch (error) {
    console.error(error);
    el.replaceChildren(...sentence);
    await window.showLoadError?.(el, error.cause); // in templates/load_error.js
  }
  el.removeAttribute("aria-busy");
}

// After everything else, so that nobody waits for a view before reading; and one after the other,
// from the top.
addEventListener("load", async () => {
  for (const el of document.querySelectorAll("[data-view]")) await show(el);
});

// On a phone, code and tables may be wider than the screen: then the keyboard has to reach them, to
// scroll.
const fit = new ResizeObserver((changes) => {
  for (const { target } of changes)
    target.tabIndex = target.scrollWidth > target.clientWidth ? 0 : -1;
});
for (const wide of document.querySelectorAll("pre, .table-wrapper")) fit.observe(wide);
