// What one takes home from the view Trainer: the weights of a network, and a program that opens
// them.

import { make } from "./elements.js";
import { loadingCode, trainingCode } from "./keras_code.js";
import { unpackNetwork } from "./network.js";
import { npz } from "./npz.js";

const FILE = "my_network"; // the name of what one downloads

/** The weights to download, and the program that opens them. */
export function filePanel() {
  const element = make("div");

  function show({ network, settings, seen }) {
    const loading = loadingCode(network.layers, `${FILE}.npz`);
    const weights = () => download(npz(weightArrays(network)), `${FILE}.npz`);
    const program = () => download(loading, `${FILE}.py`);
    element.replaceChildren(
      make(
        "p",
        {},
        "The weights, and a program that builds the same network with Keras and opens them:",
      ),
      make(
        "div.mnist-buttons",
        {},
        make("button", { type: "button", click: weights }, "Download the weights"),
        make("button", { type: "button", click: program }, "Download the program"),
      ),
      code(loading),
      make("p", {}, trainingText(settings)),
      code(trainingCode(settings, Math.round(seen / settings.images) || 1)),
    );
  }
  return { element, show };
}

/** What the lines below it do, and what of this training they leave out. */
function trainingText({ augment }) {
  const without = augment ? ", but without augmentation" : "";
  return (
    `To train it with Keras with the same settings${without}, leave out the lines that open the ` +
    "weights, and add these. The labels are one-hot encoded:"
  );
}

function code(text) {
  return make("pre", { tabindex: 0 }, text);
}

/** The kernels and biases of a packed network, in the order and shapes that Keras has. */
function weightArrays(network) {
  const weighted = unpackNetwork(network).filter(({ kernel }) => kernel);
  return weighted.flatMap(({ kind, shape, kernel, bias }) => [
    { shape: kind === "dense" ? shape.slice(2) : shape, values: kernel },
    { shape: shape.slice(3), values: bias },
  ]);
}

/** Let the browser save a text or bytes as a file. */
function download(content, name) {
  const address = URL.createObjectURL(new Blob([content]));
  make("a", { href: address, download: name }).click();
  URL.revokeObjectURL(address);
}
