#!/usr/bin/env bash
# Keras 3.15.1: keras.random.shuffle tears the rows of a table apart if the backend is JAX.
#
# The documentation speaks of shuffling a tensor along one axis, by default the first. One expects
# whole rows in another order, as from NumPy's Generator.shuffle, and from Keras with TensorFlow or
# PyTorch. With JAX each column is shuffled by itself: a table of images and labels, or of features
# and targets, falls apart without an error or a warning.
#
# Seen with keras 3.15.1, jax 0.10.2, numpy 2.4.6:
#
#     before [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]]
#     after  [[9, 4, 5], [0, 7, 2], [6, 10, 11], [3, 1, 8]]
#     rows that are still whole: 0 of 4
#
# What helps: shuffle the indices, keras.random.shuffle(keras.ops.arange(4)), and take the rows.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet keras==3.15.1 jax==0.10.2 numpy==2.4.6
KERAS_BACKEND=jax env/bin/python - <<'PYTHON'
import keras
import numpy as np

table = np.arange(12).reshape(4, 3)
shuffled = np.asarray(keras.random.shuffle(table, seed=1))
print("before", table.tolist())
print("after ", shuffled.tolist())
whole = sum(row in table.tolist() for row in shuffled.tolist())
print(f"rows that are still whole: {whole} of 4")
assert whole == 0 and sorted(shuffled.ravel().tolist()) == list(range(12))
indices = np.asarray(keras.random.shuffle(keras.ops.arange(4), seed=1))
assert sorted(indices.tolist()) == [0, 1, 2, 3]
PYTHON
