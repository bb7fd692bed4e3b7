// The Keras code of a network that was chosen, with which its weights can be used elsewhere.

const LAYERS = {
  convolution: ({ shape: [side, , , filters], activation }) =>
    `Conv2D(${filters}, ${side}${activationText(activation)})`,
  leaky_relu: ({ slope }) => `LeakyReLU(negative_slope=${slope})`,
  max_pooling: () => "MaxPooling2D()",
  flatten: () => "Flatten()",
  dropout: ({ rate }) => `Dropout(${rate})`,
  dense: ({ shape, activation }) => `Dense(${shape.at(-1)}${activationText(activation)})`,
};

function activationText(activation) {
  return activation === "linear" ? "" : `, activation="${activation}"`;
}

/** A program that builds the network of these layers and opens its weights, saved as `file`. */
export function loadingCode(layers, file) {
  return lines(
    "import keras",
    "import numpy as np",
    "from keras import layers",
    "",
    "model = keras.Sequential([",
    "    keras.Input((28, 28, 1)),  # pixels divided by 255",
    ...layers.map((layer) => `    layers.${LAYERS[layer.kind](layer)},`),
    "])",
    `with np.load("${file}") as weights:`,
    "    model.set_weights(list(weights.values()))",
    "model.summary()",
  );
}

/** The lines that train this network in the same way, from random weights. */
export function trainingCode({ learningRate, smoothing, batchSize }, epochs) {
  return lines(
    "model.compile(",
    `    keras.optimizers.Adam(${learningRate}),`,
    `    keras.losses.CategoricalCrossentropy(label_smoothing=${smoothing}),`,
    '    metrics=["accuracy"],',
    ")",
    `model.fit(images, labels, batch_size=${batchSize}, epochs=${epochs})`,
  );
}

function lines(...all) {
  return `${all.join("\n")}\n`;
}
