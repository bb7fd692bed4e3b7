// What the entry points of both modules, views.js and trainer.js, have in common.

import shared from "../../shared.json" with { type: "json" };

const KEY_CODE_S = 83; // JupyterLab, too, checks the code, whatever the keyboard's layout

/**
 * Make what JupyterLab and the site expect of a module: an object whose `render` draws the view
 * that the model's `kind` names.
 *
 * A view is a function of the `model`, in which it keeps what is chosen, of the element `el`, in
 * which it draws, of `values`, which its comment lists, and of the `signal` that the element is
 * removed, where there is one. Bytes come as a DataView; `images` are gzipped, one byte for each
 * pixel; `labels` are one byte for each image.
 */
export function widget(views) {
  async function render({ model, el, signal }) {
    el.classList.add("mnist-view");
    setColors(el);
    keepKeysFromNotebook(el, signal);
    await views[model.get("kind")]({ model, values: model.get("values"), el, signal });
  }
  return { render };
}

/** Set `--right` and the other colours. In a dark theme, style sheets set `--dark` to 1. */
function setColors(el) {
  const { light, dark } = shared.colors;
  for (const name of Object.keys(light)) {
    const darkColor = dark[name] ?? light[name];
    const color = `color-mix(in srgb, ${darkColor} calc(100% * var(--dark)), ${light[name]})`;
    el.style.setProperty(`--${name}`, color);
  }
}

/**
 * Keep keys from acting on the notebook as well, as the arrows would; but Ctrl+S, or Cmd+S, saves
 * it. JupyterLab looks for an attribute of the focused element; Jupyter Notebook does so as soon as
 * the document gets the key, so it is set before that.
 */
function keepKeysFromNotebook(el, signal) {
  function suppress({ target, ctrlKey, metaKey, keyCode }) {
    if (!el.contains(target)) return;
    const isSave = (ctrlKey || metaKey) && keyCode === KEY_CODE_S;
    target.toggleAttribute("data-lm-suppress-shortcuts", !isSave);
  }
  addEventListener("keydown", suppress, { capture: true, signal });
}
