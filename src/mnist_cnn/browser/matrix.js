// A confusion matrix of buttons: click one, or move with the arrow keys and press Enter; once more, or Escape, lets go.

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

function render({ model, el }) {
  el.classList.add("mnist-matrix");
  const names = model.get("names");
  el.classList.toggle("long-names", Math.max(...names.map((name) => name.length)) > 3);
  const heads = names.map(() => '<th scope="col"></th>').join("");
  const rows = names.map((_, actual) => {
    const cells = names.map((_, predicted) => `<td><button data-cell="${actual},${predicted}"></button></td>`);
    return `<tr><th scope="row"></th>${cells.join("")}</tr>`;
  });
  el.innerHTML = `<table><caption>predicted</caption><thead><tr><td></td>${heads}</tr></thead>
    <tbody>${rows.join("")}</tbody></table><span>actual</span>`;
  el.querySelectorAll("th").forEach((head, at) => (head.textContent = names[at % names.length])); // as text, not as HTML
  const buttons = [...el.querySelectorAll("button")];
  const buttonOf = ([actual, predicted]) => buttons[names.length * actual + predicted];
  const cellOf = (button) => button.dataset.cell.split(",").map(Number);

  const show = () => {
    const counts = model.get("counts");
    const chosen = model.get("chosen").join();
    const most = Math.max(...buttons.map((button) => mistakes(counts, cellOf(button))), 1);
    for (const button of buttons) {
      const [actual, predicted] = cellOf(button);
      const count = counts[actual][predicted];
      button.textContent = count || "·";
      button.setAttribute("aria-label", `actual ${names[actual]}, predicted ${names[predicted]}: ${count} ${count === 1 ? "image" : "images"}`);
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
    const to = cellOf(event.target).map((at, axis) => at + STEPS[event.key][axis]);
    buttonOf(to.map((at) => Math.min(Math.max(at, 0), names.length - 1))).focus();
  });

  model.on("change", show);
  show();
}

function mistakes(counts, [actual, predicted]) {
  return actual === predicted ? 0 : counts[actual][predicted];
}

export default { render };
