// What the views are made of: elements, choices that are kept, controls, and pictures of digits.

import { count, DIGIT, indexOfLargest, percent } from "./numbers.js";

export const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/** An element, "tag.class", with attributes, listeners and children. Text stays text, whatever is in it. */
export function make(name, attributes = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag);
  element.classList.add(...classes);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(key, value);
    else if (value !== false) element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

/** A line of text that screen readers announce when it changes. */
export function statusLine() {
  return make("p", { role: "status" });
}

/**
 * What the reader has chosen. The model keeps it: so it outlasts a reload, and all copies of the view show the same.
 * `show` is called now, and whenever it changes.
 */
export function keep(model, initial, show) {
  const get = () => ({ ...initial, ...model.get("chosen") });
  const choose = (changes) => {
    model.set("chosen", { ...model.get("chosen"), ...changes });
    model.save_changes();
  };
  const follow = () => show(get());
  model.on("change:chosen", follow);
  follow();
  return { get, choose };
}

/** A menu of `options`, each a value and its text. */
export function dropdown(name, options, choose) {
  const entries = options.map(([value, text]) => make("option", { value }, text));
  const menu = make("select", { "aria-label": name, change: () => choose(menu.value) }, ...entries);
  const element = make("label.mnist-control", { hidden: entries.length < 2 }, name, menu);
  return { element, show: (value) => (menu.value = value) };
}

/** A slider from `low`, which can play by itself if `played`. */
export function slider(name, low, choose, played = true) {
  const track = make("input", {
    type: "range",
    min: low,
    "aria-label": name,
    input: () => choose(track.valueAsNumber),
  });
  const number = make("span", { "aria-hidden": true }); // the slider says it
  const button = make("button.mnist-play", { type: "button", click: () => play(timer === undefined) });
  const element = make("label.mnist-control.mnist-slider", {}, name, track, number);
  let timer;
  const play = (on) => {
    clearInterval(timer);
    timer = on ? setInterval(step, 500) : undefined;
    button.textContent = on ? "❚❚" : "▶";
    button.setAttribute("aria-label", on ? "Pause" : "Play");
    if (on && track.value === track.max) choose(low);
  };
  const step = () => {
    if (!element.isConnected || track.value === track.max) play(false);
    else choose(track.valueAsNumber + 1);
  };
  play(false);
  return {
    element: played ? make("div.mnist-player", {}, button, element) : element,
    show(value, high) {
      [track.max, track.value, track.disabled] = [high, value, high <= low];
      number.textContent = count(value);
      [button.disabled, element.hidden] = [high <= low, !played && high <= low];
    },
  };
}

/** Ink, numbers in 0..255, dark on white. */
export function inkOnPaper(ink, height, width) {
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let at = 0; at < pixels.length; at++) pixels[at] = 0xff000000 + 0x010101 * (255 - ink[at]);
  return image;
}

/** The picture of an image, `side` screen pixels wide; `alt` says what it is. */
export function digit(ink, alt, side) {
  const size = { width: DIGIT, height: DIGIT, style: `width: ${side}px` };
  const canvas = make("canvas.mnist-digit", { role: "img", "aria-label": alt, ...size });
  canvas.getContext("2d").putImageData(inkOnPaper(ink, DIGIT, DIGIT), 0, 0);
  return canvas;
}

/** Probabilities as bars under a name; words mark the predicted and, if known, the actual class. */
export function bars(name, probabilities, names, label = -1) {
  const predicted = indexOfLargest(probabilities);
  const rows = names.map((each, at) => {
    const words = [percent(probabilities[at])];
    if (at === predicted) words.push("predicted");
    if (at === label) words.push("actual");
    const wrong = at === predicted && label >= 0 && at !== label;
    const kind = wrong ? ".wrong" : words.length > 1 ? ".marked" : "";
    const bar = make("div", { style: `width: ${percent(probabilities[at])}` });
    return make(
      `tr${kind}`,
      {},
      make("th", { scope: "row" }, each),
      make("td", {}, bar),
      make("td", {}, words.join("  ")),
    );
  });
  return make("table.mnist-bars", {}, make("caption", {}, name), make("tbody", {}, ...rows));
}
