// Curves of trainings, drawn as in notebook 04: dashed for training images, solid for validation
// images, and in grey those of an earlier training.

import { formatCount, percent, range } from "./numbers.js";

const WIDTH = 360;
const HEIGHT = 230;
const PLOT = { x: 50, y: 28, width: 286, height: 160 };
const INTERVALS = 4; // between the ticks of an axis
const PARTS = ["training", "validation"];

/** The curves that there are: how values are written, and the range that is always shown. */
const MEASURES = {
  loss: { text: (value) => value.toFixed(2), low: 0, high: 0.8 },
  accuracy: { text: (value) => percent(value), low: 0.8, high: 1 },
};

/**
 * A figure of one of MEASURES. `show` draws the curves of trainings, each an array of points, over
 * the images seen up to `end`. The first training is the one that is looked at.
 */
export function curves(measure) {
  const figure = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
  figure.classList.add("mnist-curves");

  function show(trainings, end) {
    const { low, high } = rangeOf(trainings, measure);
    const across = (seen) => seen / end;
    const down = (value) => (high - value) / (high - low);
    const lines = trainings.flatMap((points, number) =>
      PARTS.map((part) => {
        const places = points.map((point) => [across(point.seen), down(point[part][measure])]);
        return svg("polyline", {
          points: places.join(" "),
          class: number === 0 ? part : `${part} earlier`,
          "vector-effect": "non-scaling-stroke",
        });
      }),
    );
    // In a unit square; what leaves it is cut off. The curves that are looked at come on top
    const unit = { viewBox: "0 0 1 1", preserveAspectRatio: "none", role: "none" };
    const plot = svg("svg", { ...PLOT, ...unit }, ...lines.toReversed());
    figure.replaceChildren(...axes(measure, { low, high, end }), plot);
    figure.setAttribute("aria-label", describe(trainings[0], measure));
  }
  return { element: figure, show };
}

/** The range of the vertical axis: wider than usual if the last values would lie outside. */
function rangeOf(trainings, measure) {
  const { low, high } = MEASURES[measure];
  const values = trainings.flatMap((points) => PARTS.map((part) => points.at(-1)[part][measure]));
  return {
    low: Math.min(low, ...values.map((value) => Math.floor(5 * value) / 5)),
    high: Math.max(high, ...values.map(Math.ceil)),
  };
}

/** The title, the lines and numbers of both axes, and the name of the horizontal one. */
function axes(measure, { low, high, end }) {
  const { x, y, width, height } = PLOT;
  const bottom = y + height;
  const ticks = range(INTERVALS + 1).map((tick) => tick / INTERVALS);
  const rows = ticks.flatMap((share) => {
    const at = bottom - share * height;
    const number = MEASURES[measure].text(low + share * (high - low));
    const line = svg("line", { x1: x, x2: x + width, y1: at, y2: at });
    return [line, label(number, { x: x - 6, y: at + 4, "text-anchor": "end" })];
  });
  const columns = ticks.map((share) =>
    label(formatCount(Math.round(share * end)), { x: x + share * width, y: bottom + 16 }),
  );
  const title = label(measure, { x, y: 16, "text-anchor": "start", class: "title" });
  return [...rows, ...columns, title, label("images seen", { x: x + width / 2, y: bottom + 34 })];
}

function label(text, attributes) {
  return svg("text", { "text-anchor": "middle", ...attributes }, text);
}

/** The figure in words, for those who do not see it. */
function describe(points, measure) {
  const { text } = MEASURES[measure];
  const last = points.at(-1);
  const [training, validation] = PARTS.map((part) => text(last[part][measure]));
  const images = `${formatCount(last.seen)} images`;
  return `${measure} after ${images}: ${training} on training, ${validation} on validation images`;
}

function svg(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
