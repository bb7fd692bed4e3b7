#!/usr/bin/env bash
# ConvNetJS 0.3.0 from npm takes `method: "adam"` without a word, and trains by plain momentum.
#
# Adam came to the repository after this package, the newest on npm, was published. Any name
# that the package does not know, a misspelled one as well, means stochastic gradient descent with
# momentum 0.9. One expects an unknown optimizer to be refused; here a network just learns in
# another way than its program says.
#
# Seen with convnetjs 0.3.0, Node.js 20.20.2: the weight after three steps on the same example
#
#     sgd with momentum 0.9: 0.0112
#     adam: 0.0112
#     no such method: 0.0112
#     adagrad: 0.0023
#
# What helps: convnet.js from the repository, or an optimizer that the package has, such as adagrad.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --save-exact --silent --no-audit --no-fund convnetjs@0.3.0 > /dev/null
cat > train.cjs <<'JAVASCRIPT'
const assert = require("assert");
const { Net, Trainer, Vol } = require("convnetjs");
assert.strictEqual(require("convnetjs/package.json").version, "0.3.0");

/** The weight of a regression after three steps from 0. */
function train(method, momentum) {
  const net = new Net();
  net.makeLayers([
    { type: "input", out_sx: 1, out_sy: 1, out_depth: 1 },
    { type: "regression", num_neurons: 1 },
  ]);
  const [{ params }] = net.getParamsAndGrads();
  params[0] = 0;
  const options = { method, learning_rate: 0.001, batch_size: 1, ...momentum };
  const trainer = new Trainer(net, options);
  for (let step = 0; step < 3; step++) trainer.train(new Vol([1]), [2]);
  return params[0].toFixed(4);
}

const found = {
  "sgd with momentum 0.9": train("sgd", { momentum: 0.9 }),
  adam: train("adam"),
  "no such method": train("no such method"),
  adagrad: train("adagrad"),
};
for (const [method, weight] of Object.entries(found)) console.log(`${method}: ${weight}`);
assert.equal(found.adam, "0.0112");
assert.equal(found.adam, found["sgd with momentum 0.9"]);
assert.equal(found["no such method"], found.adam);
assert.notEqual(found.adagrad, found.adam);
JAVASCRIPT
node train.cjs
