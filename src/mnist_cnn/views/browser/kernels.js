// The kernels of the first convolution as a picture: blue weights are positive, red ones negative.

import { make } from "./elements.js";
import shared from "../../shared.json" with { type: "json" };

const SCALE = 7; // screen pixels for a weight
const GAP = 4; // screen pixels around a kernel
const COLUMNS = 8;
const { right, wrong, grey } = shared.colors.light; // on white, in both themes

/**
 * A picture; `show` draws kernels of a map, `values` of the `shape` that a convolution gives them.
 */
export function kernelPicture() {
  const canvas = make("canvas.mnist-kernels", { role: "img" });

  function show({ shape, values }) {
    const [side, , , count] = shape;
    const step = side * SCALE + GAP;
    canvas.width = Math.min(count, COLUMNS) * step + GAP;
    canvas.height = Math.ceil(count / COLUMNS) * step + GAP;
    const context = canvas.getContext("2d");
    context.fillStyle = grey;
    context.fillRect(0, 0, canvas.width, canvas.height);
    const largest = Math.max(...values.map(Math.abs));
    values.forEach((weight, i) => {
      const kernel = i % count;
      const pixel = Math.floor(i / count);
      const x = GAP + (kernel % COLUMNS) * step + (pixel % side) * SCALE;
      const y = GAP + Math.floor(kernel / COLUMNS) * step + Math.floor(pixel / side) * SCALE;
      context.globalAlpha = 1;
      context.fillStyle = "white";
      context.fillRect(x, y, SCALE, SCALE);
      context.globalAlpha = Math.abs(weight) / largest;
      context.fillStyle = weight > 0 ? right : wrong;
      context.fillRect(x, y, SCALE, SCALE);
    });
    canvas.ariaLabel = `The ${count} kernels of the first convolution, blue where positive`;
  }
  return { element: canvas, show };
}
