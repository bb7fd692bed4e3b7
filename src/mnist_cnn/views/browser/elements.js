// HTML elements from which the views are built: controls, pictures of digits, bars.

import { formatCount, IMAGE_SIDE, indexOfLargest, percent } from "./numbers.js";

/** The arrow keys, and by how many rows and columns each moves. */
export const ARROW_KEYS = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

const PLAY_INTERVAL = 500; // milliseconds between the steps of a slider that plays

/**
 * Make an element, "tag.class", with attributes, listeners and children. Strings become text, never
 * HTML.
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

/** A menu of `options`, each a value and its text. */
export function dropdown(name, options, onChange) {
  const entries = options.map(([value, text]) => make("option", { value }, text));
  const menu = make("select", { "aria-label": name }, ...entries);
  menu.addEventListener("change", () => onChange(menu.value));
  const element = make("label.mnist-control", { hidden: entries.length < 2 }, name, menu);
  function show(value) {
    menu.value = value;
  }
  return { element, show };
}

/** A checkbox with its label. */
export function checkbox(text, onChange) {
  const box = make("input", { type: "checkbox" });
  box.addEventListener("change", () => onChange(box.checked));
  const element = make("label.mnist-control", {}, box, text);
  function show(value) {
    box.checked = value;
  }
  return { element, show };
}

/**
 * A slider from `low`, with a button that plays it. Without the button (`canPlay` is false), it is
 * hidden while it has only one position.
 */
export function slider(name, low, onChange, { canPlay = true } = {}) {
  const track = make("input", { type: "range", min: low, "aria-label": name });
  track.addEventListener("input", () => onChange(track.valueAsNumber));
  const number = make("span", { "aria-hidden": true }); // screen readers get it from the slider
  const label = make("label.mnist-control.mnist-slider", {}, name, track, number);
  const button = playButton(track, onChange);
  function show(value, high) {
    const isFixed = high <= low;
    track.max = high; // set before the value, which it limits
    track.value = value;
    track.disabled = isFixed;
    number.textContent = formatCount(value);
    button.disabled = isFixed;
    label.hidden = isFixed && !canPlay;
  }
  return { element: canPlay ? make("div.mnist-player", {}, button, label) : label, show };
}

/** A button that plays a slider step by step, from its start if it is at its end. */
function playButton(track, onChange) {
  const button = make("button.mnist-play", { type: "button" });
  let timer;
  function pause() {
    clearInterval(timer);
    timer = undefined;
    button.textContent = "▶";
    button.setAttribute("aria-label", "Play");
  }

  function step() {
    if (!track.isConnected || track.value === track.max) pause();
    else onChange(track.valueAsNumber + 1);
  }

  function play() {
    timer = setInterval(step, PLAY_INTERVAL);
    button.textContent = "❚❚";
    button.setAttribute("aria-label", "Pause");
    if (track.value === track.max) onChange(Number(track.min));
  }
  button.addEventListener("click", () => {
    if (timer === undefined) play();
    else pause();
  });
  pause();
  return button;
}

/** The position of a pointer event in pixels of a canvas, which the page may scale down. */
export function canvasPoint(event, canvas) {
  const box = canvas.getBoundingClientRect();
  return [
    ((event.clientX - box.left) * canvas.width) / box.width,
    ((event.clientY - box.top) * canvas.height) / box.height,
  ];
}

/** Ink, numbers in 0..255, as image data: dark on white. */
export function inkOnPaper(ink, height, width) {
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  // Opacity in the highest byte, and the same grey as red, green and blue
  for (let i = 0; i < pixels.length; i++) pixels[i] = 0xff000000 + 0x010101 * (255 - ink[i]);
  return image;
}

/** A picture of a digit, `side` screen pixels wide; `alt` says what it is. */
export function digitCanvas(ink, alt, side) {
  const size = { width: IMAGE_SIDE, height: IMAGE_SIDE, style: `width: ${side}px` };
  const canvas = make("canvas.mnist-digit", { role: "img", "aria-label": alt, ...size });
  canvas.getContext("2d").putImageData(inkOnPaper(ink, IMAGE_SIDE, IMAGE_SIDE), 0, 0);
  return canvas;
}

/** Probabilities as bars under a name; words mark the predicted and, if known, the actual class. */
export function probabilityBars(name, probabilities, names, label = null) {
  const predicted = indexOfLargest(probabilities);
  const rows = names.map((className, classIndex) => {
    const probability = probabilities[classIndex];
    const isPredicted = classIndex === predicted;
    const isActual = classIndex === label;
    const row = make(
      "tr",
      {},
      make("th", { scope: "row" }, className),
      make("td", {}, make("div", { style: `width: ${100 * probability}%` })),
      make("td", {}, barLabel(probability, isPredicted, isActual)),
    );
    if (isPredicted && !isActual && label !== null) row.classList.add("wrong");
    else if (isPredicted || isActual) row.classList.add("marked");
    return row;
  });
  return make("table.mnist-bars", {}, make("caption", {}, name), make("tbody", {}, ...rows));
}

/**
 * The text beside a class's bar: its probability, and whether it is the predicted or actual class.
 * `bar_label` in mnist_cnn/plots.py writes the same text in figures.
 */
function barLabel(probability, isPredicted, isActual) {
  const words = [percent(probability)];
  if (isPredicted) words.push("predicted");
  if (isActual) words.push("actual");
  return words.join("  ");
}
