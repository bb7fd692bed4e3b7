// The view DrawingPad: draw a digit, or open an image of one, and see what a network predicts.

import { ALL_MAPS, mosaic } from "./mosaic.js";
import { forward, unpackNetwork } from "./network.js";
import { indexOfLargest, percent } from "./numbers.js";
import { drawingCanvas } from "./canvas.js";
import { checkbox, digitCanvas, make, probabilityBars, statusLine } from "./elements.js";
import { prepareDrawing } from "./prepare_drawing.js";
import { createState } from "./state.js";

/**
 * Its values: `names` of the classes; `network`, as `pack_network` in packing.py returns it;
 * `invitation`, the text while nothing is drawn; and `maps`, whether to show those of the first
 * convolution.
 */
export function DrawingPad({ model, values, el }) {
  const initial = { drawing: "", prepare: true, clean: true };
  const { update, subscribe } = createState(model, initial);
  const toPrepare = checkbox("prepare it as MNIST's makers did", (prepare) => update({ prepare }));
  const toClean = checkbox("leave out what is not the digit", (clean) => update({ clean }));
  const answer = answerPanel(values);

  let drawn = null; // the pixels on the canvas
  let options = {}; // how they are prepared
  function showAnswer() {
    const prepared = drawn && prepareDrawing(drawn, options);
    toClean.element.hidden = !prepared?.clutter;
    answer.show(prepared, options.clean);
  }
  const canvas = drawingCanvas({
    onDraw: (pixels) => {
      drawn = pixels;
      showAnswer();
    },
    onSave: (drawing) => update({ drawing }),
  });

  const beside = make("div", {}, toPrepare.element, toClean.element, answer.caption, answer.body);
  el.append(make("div.mnist-row", {}, canvas.element, beside), answer.below);
  subscribe(({ drawing, prepare, clean }) => {
    canvas.show(drawing); // which calls `onDraw` if it is another drawing
    toPrepare.show(prepare);
    toClean.show(clean);
    if (prepare === options.prepare && clean === options.clean) return;
    options = { prepare, clean };
    showAnswer();
  });
}

/** What the network says of a drawing: a sentence, what it sees with bars, and maps `below`. */
export function answerPanel({ names, network: packed, invitation, maps: withMaps }) {
  const network = unpackNetwork(packed);
  const caption = statusLine();
  const body = make("div.mnist-side-by-side");
  const below = make("div");
  const maps = mosaic(ALL_MAPS);

  /** Show the answer to a prepared drawing, or the invitation to draw if it is null. */
  function show(prepared, clean) {
    body.replaceChildren();
    below.replaceChildren();
    if (!prepared || prepared.error) {
      caption.textContent = prepared ? prepared.error : invitation;
      return;
    }
    const { image, clutter } = prepared;
    const { probabilities, convolutions } = forward(network, image);
    caption.textContent = answerText(probabilities, names, clutter, clean);
    const bars = probabilityBars("What it says", probabilities, names);
    body.append(digitCanvas(image, "what the network sees", 224), bars);
    if (withMaps) {
      maps.show(convolutions[0].output);
      const title = make("p", {}, "What each map of its first convolution responds to:");
      below.append(title, maps.element);
    }
  }
  return { caption, body, below, show };
}

/** What the network says, and the clutter that is left out or, without `clean`, is not. */
function answerText(probabilities, names, clutter, clean) {
  const guess = indexOfLargest(probabilities);
  const answer = `The network says ${names[guess]}, with ${percent(probabilities[guess])}.`;
  if (!clutter) return answer;
  return `${answer} ${clean ? "Left out" : "Not left out"}: ${clutter}.`;
}
