// How fast the page and other libraries train the same network, for page_training.py: functions that
// return the number of images a second. tools/training_page.py gives the page `start` and `unpack`.

const WARM_UP = 128; // images, before the time is measured
const BATCH_SIZE = 64;
const SIZE = 784; // pixels

/** The training of the page itself. */
function ours({ digits, images }) {
  const { start } = window;
  const network = { filters: [16, 32, 96], activation: "relu", dropout: 0 };
  const how = { learningRate: 0.001, batchSize: BATCH_SIZE, smoothing: 0, augment: false, seed: 0 };
  function train(count) {
    const training = start({ settings: { ...network, ...how }, digits });
    while (training.seen < count) training.step();
  }
  train(WARM_UP);
  const before = performance.now();
  train(images);
  return (1_000 * images) / (performance.now() - before);
}

/** ConvNetJS, whose published version has no Adam: momentum is less work. */
function convNetJs({ digits, images }) {
  const { convnetjs, unpack } = window;
  const { images: bytes, labels } = unpack(digits);
  const convolution = { type: "conv", activation: "relu" };
  const pool = { type: "pool", sx: 2, stride: 2 };
  const network = new convnetjs.Net();
  network.makeLayers([
    { type: "input", out_sx: 28, out_sy: 28, out_depth: 1 },
    { ...convolution, sx: 5, filters: 16 },
    pool,
    { ...convolution, sx: 3, filters: 32 },
    pool,
    { ...convolution, sx: 3, filters: 96 },
    { type: "softmax", num_classes: 10 },
  ]);
  const how = { method: "sgd", learning_rate: 0.01, momentum: 0.9, batch_size: BATCH_SIZE };
  const trainer = new convnetjs.Trainer(network, how);
  const volumes = Array.from({ length: images }, (_, n) => {
    const volume = new convnetjs.Vol(28, 28, 1, 0);
    for (let i = 0; i < SIZE; i++) volume.w[i] = bytes[SIZE * n + i] / 255;
    return volume;
  });
  function train(count) {
    for (let n = 0; n < count; n++) trainer.train(volumes[n], labels[n]);
  }
  train(WARM_UP);
  const before = performance.now();
  train(images);
  return (1_000 * images) / (performance.now() - before);
}

/** TensorFlow.js with WebAssembly, which lacks one gradient, that of a kernel: a convolution, too. */
async function tensorFlowJs({ digits, images, wasm }) {
  const { tf, unpack } = window;
  const addresses = Object.entries(wasm).map(([name, text]) => [
    name,
    `data:application/wasm;base64,${text}`,
  ]);
  tf.wasm.setWasmPaths(Object.fromEntries(addresses));
  await tf.setBackend("wasm");
  tf.registerKernel({
    kernelName: "Conv2DBackpropFilter",
    backendName: "wasm",
    kernelFunc: ({ inputs: { x, dy } }) =>
      tf.tidy(() => {
        const [image, delta] = [tf.transpose(x, [3, 1, 2, 0]), tf.transpose(dy, [1, 2, 0, 3])];
        return tf.transpose(tf.conv2d(image, delta, 1, "valid"), [1, 2, 0, 3]);
      }),
  });
  const { conv2d, maxPooling2d, flatten, dense } = tf.layers;
  const layers = [
    conv2d({ kernelSize: 5, filters: 16, activation: "relu", inputShape: [28, 28, 1] }),
    maxPooling2d({ poolSize: 2 }),
    conv2d({ kernelSize: 3, filters: 32, activation: "relu" }),
    maxPooling2d({ poolSize: 2 }),
    conv2d({ kernelSize: 3, filters: 96, activation: "relu" }),
    flatten(),
    dense({ units: 10, activation: "softmax" }),
  ];
  const model = tf.sequential({ layers });
  model.compile({ optimizer: tf.train.adam(0.001), loss: "categoricalCrossentropy" });
  const { images: bytes, labels } = unpack(digits);
  async function train(count) {
    for (let n = 0; n < count; n += BATCH_SIZE) {
      const ink = bytes.subarray(SIZE * n, SIZE * (n + BATCH_SIZE));
      const pixels = Float32Array.from(ink, (value) => value / 255);
      const x = tf.tensor4d(pixels, [BATCH_SIZE, 28, 28, 1]);
      const some = tf.tensor1d(labels.subarray(n, n + BATCH_SIZE), "int32");
      const y = tf.oneHot(some, 10).toFloat();
      await model.trainOnBatch(x, y);
      tf.dispose([x, some, y]);
    }
  }
  await train(WARM_UP);
  const before = performance.now();
  await train(images);
  return (1_000 * images) / (performance.now() - before);
}

Object.assign(window, { ours, convNetJs, tensorFlowJs });
