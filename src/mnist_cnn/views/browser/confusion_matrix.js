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
  const classes = names.length;
  moveByArrowKeys(element, buttons, classes);
  let chosen = -1; // the index of a button; -1 while none is chosen
  element.addEventListener("click", ({ target }) => {
    const clicked = buttons.indexOf(target);
    if (clicked === -1) return;
    onChoose(clicked === chosen ? [] : cellOf(clicked, classes));
  });
  element.addEventListener("keydown", (event) => {
    if (event.key === "Escape") onChoose([]);
  });

  /** Show how many images are in each cell, row after row. */
  function show(counts, cell) {
    chosen = cell.length ? classes * cell[0] + cell[1] : -1;
    const isMistake = (i) => i % (classes + 1) !== 0; // not on the diagonal
    const mistakes = counts.map((number, i) => (isMistake(i) ? number : 0));
    const mostMistakes = Math.max(...mistakes, 1);
    buttons.forEach((button, i) => {
      const [actual, predicted] = cellOf(i, classes);
      const pair = `actual ${names[actual]}, predicted ${names[predicted]}`;
      const images = `${counts[i]} ${counts[i] === 1 ? "image" : "images"}`;
      button.textContent = counts[i] || "·";
      button.setAttribute("aria-label", `${pair}: ${images}`);
      button.setAttribute("aria-pressed", i === chosen);
      button.classList.toggle("right", !isMistake(i));
      button.style.setProperty("--share", mistakes[i] / mostMistakes);
    });
  }
  return { element, show };
}

/** The table with a button in each cell, and with the names of its axes. */
function matrixElement(names) {
  const rows = names.map((name) => {
    const cells = names.map(() => make("td", {}, make("button")));
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

/** The cell of a button, [actual, predicted]; the buttons are in order, row after row. */
function cellOf(i, classes) {
  return [Math.floor(i / classes), i % classes];
}

/**
 * Let arrow keys move the focus from button to button. For the Tab key the matrix is a single stop,
 * as a spreadsheet is: the button that was focused last.
 */
function moveByArrowKeys(element, buttons, classes) {
  function makeTabStop(button) {
    for (const other of buttons) other.tabIndex = other === button ? 0 : -1;
  }
  makeTabStop(buttons[0]);
  element.addEventListener("focusin", (event) => makeTabStop(event.target));
  element.addEventListener("keydown", (event) => {
    const step = ARROW_KEYS[event.key];
    if (!step) return;
    event.preventDefault();
    const [down, right] = step;
    const [actual, predicted] = cellOf(buttons.indexOf(event.target), classes);
    const row = clampIndex(actual + down, classes);
    const column = clampIndex(predicted + right, classes);
    buttons[classes * row + column].focus();
  });
}
