#!/usr/bin/env bash
# Keras 3.15.1: a softmax output that is sure of a wrong class learns from it with TensorFlow only.
#
# The same network, weights, loss and image: Dense, softmax, sparse_categorical_crossentropy. With
# TensorFlow the loss finds the sums before the softmax and computes from them, so the gradient of
# a mistake is near 1. With JAX the loss sees the probability, clipped to 1e-7: beyond a lead of
# about 16 the loss stays at 16.1, its gradient is 0, and a step changes nothing. One expects the
# backends to differ by rounding, not in what they learn from.
#
# Seen with keras 3.15.1, tensorflow-cpu 2.21.0, jax 0.10.2 (PyTorch 2.14.1 does as JAX):
#
#     tensorflow loss 40.0, weights after one step [39.0, 1.0, -0.0]
#     jax        loss 16.1, weights after one step [40.0, 0.0, 0.0]
#
# What helps: Dense without softmax, and SparseCategoricalCrossentropy(from_logits=True).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet keras==3.15.1 tensorflow-cpu==2.21.0 jax==0.10.2
cat > step.py <<'PYTHON'
import keras
import numpy as np

image, label = np.ones((1, 1), "float32"), np.array([1])


def step(activation, loss):
    """The loss and the weights of a network after a step of 1 from a lead of 40."""
    layer = keras.layers.Dense(3, activation=activation, use_bias=False)
    model = keras.Sequential([keras.Input((1,)), layer])
    layer.set_weights([np.array([[40, 0, 0]], "float32")])
    model.compile(keras.optimizers.SGD(1.0), loss)
    history = model.fit(image, label, verbose=0).history
    return round(history["loss"][0], 1), layer.get_weights()[0][0].round(1).tolist()


loss, weights = step("softmax", "sparse_categorical_crossentropy")
backend = keras.backend.backend()
print(f"{backend:10} loss {loss}, weights after one step {weights}")
expected = {"tensorflow": (40.0, [39.0, 1.0, 0.0]), "jax": (16.1, [40.0, 0.0, 0.0])}
assert (loss, weights) == expected[backend]
from_sums = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
assert step(None, from_sums) == expected["tensorflow"]
PYTHON
for backend in tensorflow jax; do
    KERAS_BACKEND=$backend TF_CPP_MIN_LOG_LEVEL=3 env/bin/python step.py 2> messages || {
        cat messages
        exit 1
    }
done
