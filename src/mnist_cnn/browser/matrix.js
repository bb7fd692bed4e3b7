// A confusion matrix of buttons: click one, or move with the arrow keys and press Enter; once more, or Escape, lets go.

const DIGITS = [...Array(10).keys()];
const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

function render({ model, el }) {
  el.classList.add("mnist-matrix");
  const heads = DIGITS.map((digit) => `<th scope="col">${digit}</th>`).join("");
  const rows = DIGITS.map((actual) => {
    const cells = DIGITS.map((predicted) => `<td><button data-cell="${actual},${predicted}"></button></td>`);
    return `<tr><th scope="row">${actual}</th>${cells.join("")}</tr>`;
  });
  el.innerHTML = `<table><caption>predicted digit</caption><thead><tr><td></td>${heads}</tr></thead>
    <tbody>${rows.join("")}</tbody></table><span>actual digit</span>`;
  const buttons = [...el.querySelectorAll("button")];
  const buttonOf = ([actual, predicted]) => buttons[10 * actual + predicted];
  const cellOf = (button) => button.dataset.cell.split(",").map(Number);

  const show = () => {
    const counts = model.get("counts");
    const chosen = model.get("chosen").join();
    const most = Math.max(...buttons.map((button) => mistakes(counts, cellOf(button))), 1);
    for (const button of buttons) {
      const [actual, predicted] = cellOf(button);
      const count = counts[actual][predicted];
      button.textContent = count || "·";
      button.setAttribute("aria-label", `actual ${actual}, predicted ${predicted}: ${count} ${count === 1 ? "image" : "images"}`);
      button.setAttribute("aria-pressed", button.dataset.cell === chosen);
      button.classList.toggle("right", actual === predicted);
      button.style.setProperty("--share", mistakes(counts, [actual, predicted]) / most);
    }
  };
  const choose = (cell) => {
    model.set("chosen", cell.join() === model.get("chosen").join() ? [] : cell);
    model.save_changes();
  };

  // One stop for the Tab key, as in a table of a spreadsheet: the button that was focused last.
  const stopAt = (button) => buttons.forEach((each) => (each.tabIndex = each === button ? 0 : -1));
  stopAt(buttons[0]);
  el.addEventListener("focusin", (event) => stopAt(event.target));
  el.addEventListener("click", (event) => {
    if (event.target.dataset.cell) choose(cellOf(event.target));
  });
  el.addEventListener("keydown", (event) => {
    if (event.key === "Escape") choose(model.get("chosen"));
    if (!STEPS[event.key]) return;
    event.preventDefault();
    buttonOf(cellOf(event.target).map((at, axis) => Math.min(Math.max(at + STEPS[event.key][axis], 0), 9))).focus();
  });

  model.on("change", show);
  show();
}

function mistakes(counts, [actual, predicted]) {
  return actual === predicted ? 0 : counts[actual][predicted];
}

export default { render };
