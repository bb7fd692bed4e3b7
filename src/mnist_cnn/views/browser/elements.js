// What the views are made of: elements, choices that are kept, controls, and pictures of digits.

import { formatCount, IMAGE_SIDE, indexOfLargest, percent } from "./numbers.js";
import shared from "../../shared.json" with { type: "json" };

/** How the arrow keys move, in rows and columns. */
export const STEPS = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

const STEP_TIME = 500; // milliseconds from step to step of a slider that plays

/**
 * An element, "tag.class", with attributes, listeners and children. Text stays text, whatever is in
 * it.
 */
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
 * What the reader has chosen. The model keeps it: so it outlasts a reload, and all copies of the
 * view show the same. What follows is called now, and whenever it changes.
 */
export function choicesOf(model, initial) {
  const get = () => ({ ...initial, ...model.get("chosen") });
  const choose = (changes) => {
    model.set("chosen", { ...model.get("chosen"), ...changes });
    model.save_changes();
  };
  const follow = (show) => {
    model.on("change:chosen", () => show(get()));
    show(get());
  };
  return { get, choose, follow };
}

/** A menu of `options`, each a value and its text. */
export function dropdown(name, options, choose) {
  const entries = options.map(([value, text]) => make("option", { value }, text));
  const menu = make("select", { "aria-label": name }, ...entries);
  menu.addEventListener("change", () => choose(menu.value));
  const element = make("label.mnist-control", { hidden: entries.length < 2 }, name, menu);
  const show = (value) => {
    menu.value = value;
  };
  return { element, show };
}

/** A box to tick, with a text. */
export function checkbox(text, choose) {
  const box = make("input", { type: "checkbox" });
  box.addEventListener("change", () => choose(box.checked));
  const element = make("label.mnist-control", {}, box, text);
  const show = (value) => {
    box.checked = value;
  };
  return { element, show };
}

/** A slider from `low`, which can play by itself; if it cannot, and has one place, it is hidden. */
export function slider(name, low, choose, canPlay = true) {
  const track = make("input", { type: "range", min: low, "aria-label": name });
  track.addEventListener("input", () => choose(track.valueAsNumber));
  const number = make("span", { "aria-hidden": true }); // the slider says it
  const label = make("label.mnist-control.mnist-slider", {}, name, track, number);
  const button = playButton(track, choose);
  const show = (value, high) => {
    const isFixed = high <= low;
    track.max = high; // before the value, which could not be larger
    track.value = value;
    track.disabled = isFixed;
    number.textContent = formatCount(value);
    button.disabled = isFixed;
    label.hidden = isFixed && !canPlay;
  };
  return { element: canPlay ? make("div.mnist-player", {}, button, label) : label, show };
}

/** A button that lets a slider play by itself; from its beginning if it is at its end. */
function playButton(track, choose) {
  const button = make("button.mnist-play", { type: "button" });
  let timer;
  const pause = () => {
    clearInterval(timer);
    timer = undefined;
    button.textContent = "▶";
    button.setAttribute("aria-label", "Play");
  };
  const step = () => {
    if (!track.isConnected || track.value === track.max) pause();
    else choose(track.valueAsNumber + 1);
  };
  const play = () => {
    timer = setInterval(step, STEP_TIME);
    button.textContent = "❚❚";
    button.setAttribute("aria-label", "Pause");
    if (track.value === track.max) choose(Number(track.min));
  };
  button.addEventListener("click", () => {
    if (timer === undefined) play();
    else pause();
  });
  pause();
  return button;
}

/** Where an event of a pointer is, in pixels of a canvas, which the page may show smaller. */
export function canvasPoint(event, canvas) {
  const box = canvas.getBoundingClientRect();
  return [
    ((event.clientX - box.left) * canvas.width) / box.width,
    ((event.clientY - box.top) * canvas.height) / box.height,
  ];
}

/** Ink, numbers in 0..255, dark on white. */
export function inkOnPaper(ink, height, width) {
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < pixels.length; i++) pixels[i] = 0xff000000 + 0x010101 * (255 - ink[i]);
  return image;
}

/** The picture of an image, `side` screen pixels wide; `alt` says what it is. */
export function digitCanvas(ink, alt, side) {
  const size = { width: IMAGE_SIDE, height: IMAGE_SIDE, style: `width: ${side}px` };
  const canvas = make("canvas.mnist-digit", { role: "img", "aria-label": alt, ...size });
  canvas.getContext("2d").putImageData(inkOnPaper(ink, IMAGE_SIDE, IMAGE_SIDE), 0, 0);
  return canvas;
}

/** Probabilities as bars under a name; words mark the predicted and, if known, the actual class. */
export function bars(name, probabilities, names, label = null) {
  const predicted = indexOfLargest(probabilities);
  const kindOf = (each) => {
    if (each === predicted && label !== null && each !== label) return ".wrong";
    return each === predicted || each === label ? ".marked" : "";
  };
  const rows = names.map((className, each) => {
    const bar = make("div", { style: `width: ${percent(probabilities[each])}` });
    return make(
      `tr${kindOf(each)}`,
      {},
      make("th", { scope: "row" }, className),
      make("td", {}, bar),
      make("td", {}, barText(each, label, probabilities)),
    );
  });
  return make("table.mnist-bars", {}, make("caption", {}, name), make("tbody", {}, ...rows));
}

/**
 * The text beside a class's bar: its probability, and if it is the predicted or actual class.
 * Figures say the same: `bar_text` in mnist_cnn/evaluation.py.
 */
function barText(each, label, probabilities) {
  const words = [percent(probabilities[each])];
  if (each === indexOfLargest(probabilities)) words.push(shared.words.predicted);
  if (each === label) words.push(shared.words.actual);
  return words.join("  ");
}
