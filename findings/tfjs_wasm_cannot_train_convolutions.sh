#!/usr/bin/env bash
# TensorFlow.js 4.22.0 with WebAssembly computes a convolution, but cannot train one.
#
# The backend is the fast one on a processor, and `predict` works. `fit` on the same model stops with
# "Kernel 'Conv2DBackpropFilter' not registered for backend 'wasm'", although the gradients with
# respect to the input and of max pooling are there; dense layers train. One expects a backend that
# computes a layer to train it, as the pure JavaScript backend does, a hundred times slower.
#
# Seen with @tensorflow/tfjs 4.22.0, @tensorflow/tfjs-backend-wasm 4.22.0, Node.js 20.20.2:
#
#     dense network: predicts and trains
#     convolution: predicts, and then Kernel 'Conv2DBackpropFilter' not registered for backend 'wasm'
#     with the gradient registered: predicts and trains
#
# What helps: that gradient is itself a convolution, of the images with their channels as batch, and
# the output's gradient as kernels. Registered under the missing name, it lets `fit` work.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --save-exact --silent --no-audit --no-fund @tensorflow/tfjs@4.22.0 \
    @tensorflow/tfjs-backend-wasm@4.22.0 > /dev/null
cat > train.cjs <<'JAVASCRIPT'
console.warn = () => {}; // advice to install another package
const tf = require("@tensorflow/tfjs");
const wasm = require("@tensorflow/tfjs-backend-wasm");
const assert = require("assert");
assert.strictEqual(tf.version.tfjs, "4.22.0");
assert.strictEqual(wasm.version_wasm, "4.22.0");

/** What becomes of a model: it predicts, and it trains or says why not. */
async function attempt(...layers) {
  const model = tf.sequential({ layers });
  model.compile({ optimizer: "sgd", loss: "meanSquaredError" });
  const images = tf.ones([2, 6, 6, 1]);
  const before = model.predict(images).dataSync();
  try {
    await model.fit(images, tf.zeros([2, 3]), { verbose: 0 });
  } catch (error) {
    return `predicts, and then ${error.message}`;
  }
  assert.notDeepEqual(model.predict(images).dataSync(), before);
  return "predicts and trains";
}

(async () => {
  wasm.setWasmPaths(`${__dirname}/node_modules/@tensorflow/tfjs-backend-wasm/dist/`);
  await tf.setBackend("wasm");
  const { conv2d, dense, flatten } = tf.layers;
  const convolution = () => conv2d({ kernelSize: 3, filters: 2, inputShape: [6, 6, 1] });
  const found = [
    await attempt(flatten({ inputShape: [6, 6, 1] }), dense({ units: 3 })),
    await attempt(convolution(), flatten(), dense({ units: 3 })),
  ];
  tf.registerKernel({
    kernelName: "Conv2DBackpropFilter",
    backendName: "wasm",
    kernelFunc: ({ inputs: { x, dy } }) => {
      const images = tf.transpose(x, [3, 1, 2, 0]);
      const kernels = tf.transpose(dy, [1, 2, 0, 3]);
      return tf.transpose(tf.conv2d(images, kernels, 1, "valid"), [1, 2, 0, 3]);
    },
  });
  found.push(await attempt(convolution(), flatten(), dense({ units: 3 })));
  const missing = "Kernel 'Conv2DBackpropFilter' not registered for backend 'wasm'";
  console.log(`dense network: ${found[0]}\nconvolution: ${found[1]}`);
  console.log(`with the gradient registered: ${found[2]}`);
  const works = "predicts and trains";
  assert.deepEqual(found, [works, `predicts, and then ${missing}`, works]);
})();
JAVASCRIPT
node train.cjs
