// How a training goes: its progress, its curves beside those of an earlier one, and its first
// kernels.

import { curves } from "./curves.js";
import { dropdown, make, statusLine } from "./elements.js";
import { kernelPicture } from "./kernels.js";
import { formatCount, percent } from "./numbers.js";

const LEGEND = "Red: validation images. Dashed: training images.";
const NOTHING = "nothing";

/** A panel for the last of `trainings`, each with its `title`, its `points`, and its `end`. */
export function progressPanel(trainings) {
  const status = statusLine();
  const bar = make("progress", { "aria-label": "images seen", max: 1 });
  const left = make("span");
  const figures = [curves("loss"), curves("accuracy")];
  const legend = make("p");
  const comparison = make("div");
  const kernels = kernelPicture();
  const body = make(
    "div",
    { hidden: true },
    make("div.mnist-row", {}, bar, left),
    make("div.mnist-row", {}, ...figures.map(({ element }) => element)),
    legend,
    comparison,
    make("p", {}, "The kernels of the first convolution; blue weights are positive, red negative:"),
    kernels.element,
  );
  let earlier = null; // the training to compare with

  /** Begin with a new training, which is compared with the one before. */
  function start() {
    earlier = trainings.at(-2) ?? null;
    const options = [[NOTHING, NOTHING], ...trainings.slice(0, -1).map((it, i) => [i, it.title])];
    const menu = dropdown("compare with", options, (value) => {
      earlier = trainings[value] ?? null; // of "nothing" there is none
      drawCurves();
    });
    menu.show(earlier ? trainings.indexOf(earlier) : NOTHING);
    comparison.replaceChildren(menu.element);
    body.hidden = false;
    body.scrollIntoView({ block: "nearest" });
    bar.value = 0;
  }

  function show({ seen, secondsLeft, kernels: its }) {
    bar.value = seen / trainings.at(-1).end;
    left.textContent = `about ${Math.ceil(secondsLeft)} s left`;
    kernels.show(its);
  }

  /** Show that a point was added to the curves. */
  function showPoint() {
    const { title, points, end } = trainings.at(-1);
    const { seen } = points.at(-1);
    const count = `${formatCount(seen)} of ${formatCount(end)} images`;
    status.textContent = `${title}, ${count}: ${scores(points.at(-1))}.`;
    drawCurves();
  }

  function stop({ seen }, isDone) {
    const { title, points } = trainings.at(-1);
    left.textContent = isDone ? "done" : "paused";
    const when = `${isDone ? "Done" : "Paused"} after ${formatCount(seen)} images`;
    status.textContent = `${title}. ${when}: ${scores(points.at(-1))}.`;
  }

  function drawCurves() {
    const shown = [trainings.at(-1), ...(earlier ? [earlier] : [])];
    const end = Math.max(...shown.map((training) => training.end));
    for (const figure of figures)
      figure.show(
        shown.map(({ points }) => points),
        end,
      );
    legend.textContent = earlier
      ? `${LEGEND} Grey: the training that it is compared with.`
      : LEGEND;
  }
  return { elements: [status, body], start, show, showPoint, stop };
}

function scores({ training, validation }) {
  const read = `${percent(validation.accuracy)} of the validation images read correctly`;
  return `${read}, and ${percent(training.accuracy)} of ${training.count} training images`;
}
