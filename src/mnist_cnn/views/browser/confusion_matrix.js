// A confusion matrix whose cells are buttons: click one, or move with the arrow keys and press
// Enter; the same again, or Escape, deselects it.

import { clampIndex } from "./numbers.js";
import { ARROW_KEYS, make } from "./elements.js";

/**
 * Make a confusion matrix. `onChoose` is called with the chosen cell, [actual, predicted], or []
 * when it is deselected.
 */
export function confusionMatrix(names, onChoose) {
  const element = matrixElement(names);
  const buttons = [...element.querySelectorAll("button")];
  moveByArrowKeys(element, buttons, names.length);
  let chosen = [];
  element.addEventListener("click", ({ target }) => {
    if (!target.dataset.cell) return;
    onChoose(target.dataset.cell === chosen.join() ? [] : cellOf(target));
  });
  element.addEventListener("keydown", (event) => {
    if (event.key === "Escape") onChoose([]);
  });

  /** Show how many images are in each cell, row after row. */
  const show = (counts, cell) => {
    chosen = cell;
    const isMistake = (i) => i % (names.length + 1) !== 0; // not on the diagonal
    const mistakes = counts.map((number, i) => (isMistake(i) ? number : 0));
    const mostMistakes = Math.max(...mistakes, 1);
    buttons.forEach((button, i) => {
      const [actual, predicted] = cellOf(button);
      const pair = `actual ${names[actual]}, predicted ${names[predicted]}`;
      const images = `${counts[i]} ${counts[i] === 1 ? "image" : "images"}`;
      button.textContent = counts[i] || "·";
      button.setAttribute("aria-label", `${pair}: ${images}`);
      button.setAttribute("aria-pressed", button.dataset.cell === chosen.join());
      button.classList.toggle("right", !isMistake(i));
      button.style.setProperty("--share", mistakes[i] / mostMistakes);
    });
  };
  return { element, show };
}

/** The table with a button in each cell, and with the names of its axes. */
function matrixElement(names) {
  const rows = names.map((name, actual) => {
    const cells = names.map((_, predicted) =>
      make("td", {}, make("button", { "data-cell": [actual, predicted] })),
    );
    return make("tr", {}, make("th", { scope: "row" }, name), ...cells);
  });
  const headers = names.map((name) => make("th", { scope: "col" }, name));
  const table = make(
    "table",
    {},
    make("caption", {}, "predicted"),
    make("thead", {}, make("tr", {}, make("td"), ...headers)),
    make("tbody", {}, ...rows),
  );
  const element = make("div.mnist-matrix", {}, table, make("span", {}, "actual"));
  element.classList.toggle(
    "long-names",
    names.some((name) => name.length > 3),
  );
  return element;
}

/** The cell of a button, [actual, predicted]. */
const cellOf = (button) => button.dataset.cell.split(",").map(Number);

/**
 * Let arrow keys move the focus from button to button. For the Tab key the matrix is a single stop,
 * as a spreadsheet is: the button that was focused last.
 */
function moveByArrowKeys(element, buttons, classes) {
  const makeTabStop = (button) => {
    for (const other of buttons) other.tabIndex = other === button ? 0 : -1;
  };
  makeTabStop(buttons[0]);
  element.addEventListener("focusin", (event) => makeTabStop(event.target));
  element.addEventListener("keydown", (event) => {
    const step = ARROW_KEYS[event.key];
    if (!step) return;
    event.preventDefault();
    const [down, right] = step;
    const [actual, predicted] = cellOf(event.target);
    const row = clampIndex(actual + down, classes);
    const column = clampIndex(predicted + right, classes);
    buttons[classes * row + column].focus();
  });
}
