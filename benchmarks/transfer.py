"""Measure what a network in colour gains from one that was trained in grey (notebook 09).

`python benchmarks/transfer.py` takes the network of the run "relu" that comes with the package, and
trains networks of the same layers on digits on photographs, in four ways: from scratch; with its
convolutions, frozen or not, and a new head; and with all of its weights. Each training has a line
in transfer.jsonl, and is not done again. The number of steps was fixed on validation images.
"""

import json
from itertools import product
from pathlib import Path

import numpy as np

from mnist_cnn.backend import keras
from mnist_cnn.data import load_images, split_validation
from mnist_cnn.models import relu_layers
from mnist_cnn.photographs import put_on_photographs
from mnist_cnn.runs import SHIPPED, load_run
from schema import TransferResult

FILE = Path(__file__).with_name("transfer.jsonl")
WAYS = (
    "from scratch",
    "convolutions frozen",
    "convolutions fine-tuned",
    "everything fine-tuned",
)
NUMBERS = (100, 300, 1000, 3000)
SEEDS = range(1, 6)  # the grey network has seed 0, and would share first weights with a new head
STEPS = 600
BATCH_SIZE = 64


def colour_network(grey: keras.Model, way: str) -> keras.Model:
    """A network of the grey one's layers for three channels, with what it keeps of its weights."""
    output = keras.layers.Dense(10, activation="softmax")
    network = keras.Sequential([keras.Input((28, 28, 3)), *relu_layers(), output])
    weights = grey.get_weights()
    weights[0] = np.repeat(weights[0], 3, axis=2) / 3  # as if it saw the mean of the channels
    if way == "everything fine-tuned":
        network.set_weights(weights)
    elif way != "from scratch":
        network.set_weights([*weights[:6], *network.get_weights()[6:]])
    if way == "convolutions frozen":
        for layer in network.layers:
            layer.trainable = not isinstance(layer, keras.layers.Conv2D)
    return network


def measure(way: str, number: int, seed: int) -> TransferResult:
    """Train a network, and measure its accuracy on validation and test images, all in colour.

    Args:
        way: One of WAYS.
        number: How many images to train on.
        seed: Seed of the weights, of the choice of images and of their photographs.
    """
    digits = load_images(source="full")
    (x_train, y_train), (x_val, y_val) = split_validation(digits.x_train, digits.y_train)
    chosen = np.random.default_rng(seed).choice(len(x_train), number, replace=False)
    images = put_on_photographs(x_train[chosen], "left", seed) / np.float32(255)
    keras.utils.set_random_seed(seed)
    network = colour_network(load_run(SHIPPED / "relu.npz").load_model(), way)
    network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    epochs = round(STEPS / np.ceil(number / BATCH_SIZE))
    network.fit(images, y_train[chosen], BATCH_SIZE, epochs, verbose=0)
    validation, test = (
        network.evaluate(
            put_on_photographs(x, "right", seed=0) / np.float32(255), y, batch_size=500, verbose=0
        )[1]
        for x, y in ((x_val, y_val), (digits.x_test, digits.y_test))
    )
    return {"way": way, "images": number, "seed": seed, "validation": validation, "test": test}


def main() -> None:
    """Measure what has no line yet."""
    FILE.touch()
    done = [json.loads(line) for line in FILE.read_text("utf-8").splitlines()]
    known = {(result["way"], result["images"], result["seed"]) for result in done}
    for seed, number, way in product(SEEDS, NUMBERS, WAYS):
        if (way, number, seed) not in known:
            result = measure(way, number, seed)
            with FILE.open("a", encoding="utf-8") as file:
                file.write(json.dumps(result) + "\n")
            print(result, flush=True)
            keras.utils.clear_session()


if __name__ == "__main__":
    main()
