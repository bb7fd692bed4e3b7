// Draw a digit, or open an image of one, and see what a network makes of it.

import { ALL, mosaic } from "./mosaic.js";
import { forward, unpackNetwork } from "./network.js";
import { indexOfLargest, percent } from "./numbers.js";
import { drawingCanvas } from "./canvas.js";
import { bars, checkbox, createState, digitCanvas, make, statusLine } from "./elements.js";
import { prepareDrawing } from "./prepare_drawing.js";

export function DrawingPad({ model, values, el }) {
  const initial = { drawing: "", prepare: true, clean: true };
  const { get, update, subscribe } = createState(model, initial);
  const toPrepare = checkbox("prepare it as MNIST's makers did", (prepare) => update({ prepare }));
  const toClean = checkbox("leave out what is not the digit", (clean) => update({ clean }));
  const answer = answerPanel(values);

  let drawn = null; // the pixels on the canvas
  const showAnswer = (chosen) => {
    const prepared = drawn && prepareDrawing(drawn, chosen);
    toClean.element.hidden = !prepared?.others;
    answer.show(prepared, chosen.clean);
  };
  const canvas = drawingCanvas({
    onDraw: (pixels) => {
      drawn = pixels;
      showAnswer(get());
    },
    onSave: (drawing) => update({ drawing }),
  });

  const beside = make("div", {}, toPrepare.element, toClean.element, answer.caption, answer.body);
  el.append(make("div.mnist-row", {}, canvas.element, beside), answer.below);
  subscribe((chosen) => {
    canvas.show(chosen.drawing);
    toPrepare.show(chosen.prepare);
    toClean.show(chosen.clean);
    showAnswer(chosen);
  });
}

/** What the network says of a drawing: a sentence, what it sees with bars, and below its maps. */
function answerPanel({ names, network: packed, invitation, maps: withMaps }) {
  const network = unpackNetwork(packed);
  const caption = statusLine();
  const body = make("div.mnist-side-by-side");
  const below = make("div");
  const maps = mosaic(ALL);

  /** Show the answer to a prepared drawing, or the invitation to draw if it is null. */
  const show = (prepared, clean) => {
    body.replaceChildren();
    below.replaceChildren();
    if (!prepared || prepared.error) {
      caption.textContent = prepared ? prepared.error : invitation;
      return;
    }
    const { seen, others } = prepared;
    const { probabilities, convolutions } = forward(network, seen);
    caption.textContent = describe(probabilities, names, others, clean);
    const table = bars("What it says", probabilities, names);
    body.append(digitCanvas(seen, "what the network sees", 224), table);
    if (withMaps) {
      maps.show(convolutions[0].above);
      const what = make("p", {}, "What each map of its first convolution responds to:");
      below.append(what, maps.element);
    }
  };
  return { caption, body, below, show };
}

function describe(probabilities, names, others, clean) {
  const guess = indexOfLargest(probabilities);
  const says = `The network says ${names[guess]}, with ${percent(probabilities[guess])}.`;
  if (!others) return says;
  return `${says} ${clean ? "Left out" : "Not left out"}: ${others}.`;
}
