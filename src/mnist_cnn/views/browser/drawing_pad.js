// Draw a digit, or open an image of one, and see what a network makes of it.

import { centerInBox, findInk, shrink } from "./drawing.js";
import { mosaic } from "./mosaic.js";
import { forward, unpackNetwork } from "./network.js";
import { indexOfLargest, percent } from "./numbers.js";
import { pad } from "./canvas.js";
import { bars, digit, keep, make, statusLine } from "./elements.js";
import { inWords } from "./cleaning.js";

export function DrawingPad({ model, values: { names, network: packed, invitation, maps: withMaps }, el }) {
  const network = unpackNetwork(packed);
  const [caption, body, below] = [statusLine(), make("div.mnist-side-by-side"), make("div")];
  const tick = make("input", { type: "checkbox", change: () => choose({ prepare: tick.checked }) });
  const prepare = make("label.mnist-control", {}, tick, "prepare it as MNIST's makers did");
  const cleanTick = make("input", { type: "checkbox", change: () => choose({ clean: cleanTick.checked }) });
  const clean = make("label.mnist-control", { hidden: true }, cleanTick, "leave out what is not the digit");
  const maps = mosaic("all");
  let drawn = null; // the pixels on the pad
  const paper = pad(
    (pixels) => read((drawn = pixels)),
    (drawing) => choose({ drawing }),
  );
  el.append(make("div.mnist-row", {}, paper.element, make("div", {}, prepare, clean, caption, body)), below);

  const read = () => {
    body.replaceChildren();
    below.replaceChildren();
    clean.hidden = true;
    if (!drawn) {
      caption.textContent = invitation;
      return;
    }
    let ink;
    try {
      ink = findInk(drawn);
    } catch (error) {
      caption.textContent = `The network has nothing to read: ${error.message}.`;
      return;
    }
    const others = inWords(ink.left);
    clean.hidden = !others;
    if (!cleanTick.checked) ink = findInk(drawn, false);
    show(tick.checked ? centerInBox(ink) : shrink(ink), others);
  };
  const show = (seen, others) => {
    const { probabilities, convolutions } = forward(network, seen);
    const guess = indexOfLargest(probabilities);
    caption.textContent = `The network says ${names[guess]}, with ${percent(probabilities[guess])}.`;
    if (others) caption.append(` ${cleanTick.checked ? "Left out" : "Not left out"}: ${others}.`);
    body.append(digit(seen, "what the network sees", 224), bars("What it says", probabilities, names));
    if (!withMaps) return;
    maps.show(convolutions[0].above);
    below.append(make("p", {}, "What each map of its first convolution responds to:"), maps.element);
  };

  const { choose } = keep(model, { drawing: "", prepare: true, clean: true }, (chosen) => {
    paper.show(chosen.drawing);
    tick.checked = chosen.prepare;
    cleanTick.checked = chosen.clean;
    read();
  });
}
