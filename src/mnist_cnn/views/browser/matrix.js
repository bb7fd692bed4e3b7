// A confusion matrix of buttons: click one, or move with the arrow keys and press Enter; once more, or Escape, lets go.

import { make, STEPS } from "./elements.js";

export function confusionMatrix(names, choose) {
  const rows = names.map((name, actual) => {
    const cells = names.map((_, predicted) => make("td", {}, make("button", { "data-cell": [actual, predicted] })));
    return make("tr", {}, make("th", { scope: "row" }, name), ...cells);
  });
  const heads = names.map((name) => make("th", { scope: "col" }, name));
  const table = make(
    "table",
    {},
    make("caption", {}, "predicted"),
    make("thead", {}, make("tr", {}, make("td"), ...heads)),
    make("tbody", {}, ...rows),
  );
  const element = make("div.mnist-matrix", {}, table, make("span", {}, "actual"));
  element.classList.toggle("long-names", Math.max(...names.map((name) => name.length)) > 3);
  const buttons = [...element.querySelectorAll("button")];
  const cellOf = (button) => button.dataset.cell.split(",").map(Number);
  let chosen = [];
  const toggle = (cell) => choose(cell.join() === chosen.join() ? [] : cell);

  // One stop for the Tab key, as in a table of a spreadsheet: the button that was focused last.
  const stopAt = (button) => buttons.forEach((each) => (each.tabIndex = each === button ? 0 : -1));
  stopAt(buttons[0]);
  table.addEventListener("focusin", (event) => stopAt(event.target));
  table.addEventListener("click", (event) => {
    if (event.target.dataset.cell) toggle(cellOf(event.target));
  });
  table.addEventListener("keydown", (event) => {
    if (event.key === "Escape") choose([]);
    if (!STEPS[event.key]) return;
    event.preventDefault();
    const to = cellOf(event.target).map((at, axis) => at + STEPS[event.key][axis]);
    const [actual, predicted] = to.map((at) => Math.min(Math.max(at, 0), names.length - 1));
    buttons[names.length * actual + predicted].focus();
  });

  /** Show how many images are in each cell, row after row. */
  const show = (counts, cell) => {
    chosen = cell;
    const mistakes = counts.map((number, at) => (at % (names.length + 1) ? number : 0)); // nothing on the diagonal
    const most = Math.max(...mistakes, 1);
    buttons.forEach((button, at) => {
      const [actual, predicted] = cellOf(button);
      const images = `${counts[at]} ${counts[at] === 1 ? "image" : "images"}`;
      button.textContent = counts[at] || "·";
      button.setAttribute("aria-label", `actual ${names[actual]}, predicted ${names[predicted]}: ${images}`);
      button.setAttribute("aria-pressed", button.dataset.cell === chosen.join());
      button.classList.toggle("right", actual === predicted);
      button.style.setProperty("--share", mistakes[at] / most);
    });
  };
  return { element, show };
}
