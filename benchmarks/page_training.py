"""Measure training in the page: how well it learns beside Keras, and how fast beside libraries.

`python benchmarks/page_training.py` trains on the 4,000 images of MNIST's sample, and measures on
its other 1,000, in headless Chromium: with the settings that the page offers and with some others,
and with Keras. Then it trains the layers of *short*, without normalization, with each library in
turn; npm fetches the libraries. Each training has a line in page_accuracy.jsonl or
page_speed.jsonl, and is not done again.
"""

import base64
import json
import subprocess
import sys
import tarfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "tools"))

from playwright.sync_api import Browser

from lab import NO_CHROMIUM, launch
from mnist_cnn.backend import keras
from mnist_cnn.data import Dataset, load_images, one_hot, prepare_images
from mnist_cnn.machine import processor
from schema import PageSpeed
from training_page import open_training, pack_digits

ACCURACIES = Path(__file__).with_name("page_accuracy.jsonl")
SPEEDS = Path(__file__).with_name("page_speed.jsonl")
PEERS = Path(__file__).parents[1] / "build" / "peers"

# How well it learns

SEEDS = range(10)
IMAGES_SEEN = 12_000  # in a training
OFFERED: dict[str, Any] = {
    "images": 4_000,
    "filters": [16, 32, 64],
    "activation": "relu",
    "dropout": 0,
    "learningRate": 0.003,
    "batchSize": 32,
    "smoothing": 0.1,
    "augment": False,
}
CASES = {
    "as offered": OFFERED,
    "few images": OFFERED | {"images": 200, "smoothing": 0},
    "few images, augmented": OFFERED | {"images": 200, "smoothing": 0, "augment": True},
    "a tiny network": OFFERED | {"filters": [8, 8, 8]},
    "large steps": OFFERED | {"learningRate": 0.1},
}

_LEARN = """({ settings, digits, validation, seen }) => {
  const training = start({ settings, digits });
  const others = unpack(validation);
  let lowest = Infinity;
  while (training.seen < seen) {
    const before = training.seen;
    training.step();
    if (Math.floor(training.seen / 1000) > Math.floor(before / 1000))
      lowest = Math.min(lowest, training.evaluate(others).loss);
  }
  const { loss, accuracy } = training.evaluate(others);
  const learned = training.evaluate(unpack(digits)).accuracy;
  return { training: learned, validation: accuracy, loss, lowest_loss: lowest };
}"""


def learn_in_page(browser: Browser, sample: Dataset, case: str, seed: int) -> dict[str, float]:
    """Train as the page does; return what is measured in a line of page_accuracy.jsonl."""
    settings = CASES[case] | {"seed": seed}
    count = settings["images"]
    page = open_training(browser)
    measured = page.evaluate(
        _LEARN,
        {
            "settings": settings,
            "digits": pack_digits(sample.x_train[:count], sample.y_train[:count]),
            "validation": pack_digits(sample.x_test, sample.y_test),
            "seen": IMAGES_SEEN,
        },
    )
    page.close()
    return measured


def learn_in_keras(sample: Dataset, seed: int) -> dict[str, float]:
    """Train the network that the page offers with Keras; return both accuracies."""
    keras.utils.set_random_seed(seed)
    model = keras_network(OFFERED["filters"])
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=OFFERED["smoothing"])
    model.compile(keras.optimizers.Adam(OFFERED["learningRate"]), loss, metrics=["accuracy"])
    training = prepare_images(sample.x_train), one_hot(sample.y_train)
    epochs = IMAGES_SEEN // OFFERED["images"]
    model.fit(*training, OFFERED["batchSize"], epochs, verbose=0)
    validation = prepare_images(sample.x_test), one_hot(sample.y_test)
    return {
        "training": model.evaluate(*training, verbose=0)[1],
        "validation": model.evaluate(*validation, verbose=0)[1],
    }


def keras_network(filters: list[int]) -> keras.Model:
    """The network of the page with these numbers of filters."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(filters[0], 5, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(filters[1], 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(filters[2], 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )


def measure_accuracies(browser: Browser, sample: Dataset) -> None:
    """Measure what has no line yet, and add it."""
    known = {(each["by"], each["case"], each["seed"]) for each in read_lines(ACCURACIES)}
    for seed in SEEDS:
        for by, case in [("Keras", "as offered"), *(("the page", case) for case in CASES)]:
            if (by, case, seed) in known:
                continue
            if by == "Keras":
                measured = learn_in_keras(sample, seed)
            else:
                measured = learn_in_page(browser, sample, case, seed)
            add_line(ACCURACIES, {"by": by, "case": case, "seed": seed, **measured})


# How fast it is

ROUNDS = 3
FILTERS = [16, 32, 96]  # as in page_training.js
BATCH_SIZE = 64
PACKAGES = {
    "convnetjs": "0.3.0",
    "@tensorflow/tfjs": "4.22.0",
    "@tensorflow/tfjs-backend-wasm": "4.22.0",
}


def speed_of_ours(browser: Browser, sample: Dataset) -> float:
    """Images per second in the page."""
    return run_in_page(browser, sample, "ours", 3_968)


def speed_of_convnetjs(browser: Browser, sample: Dataset) -> float:
    """Images per second of ConvNetJS."""
    return run_in_page(browser, sample, "convNetJs", 1_984, ["convnetjs/build/convnet-min.js"])


def speed_of_tensorflow_js(browser: Browser, sample: Dataset) -> float:
    """Images per second of TensorFlow.js with WebAssembly, and with the gradient that it lacks."""
    folder = "@tensorflow/tfjs-backend-wasm/dist"
    scripts = ["@tensorflow/tfjs/dist/tf.min.js", f"{folder}/tf-backend-wasm.min.js"]
    wasm = {
        path.name: base64.b64encode(path.read_bytes()).decode()
        for path in (PEERS / folder).glob("*.wasm")
    }
    return run_in_page(browser, sample, "tensorFlowJs", 1_984, scripts, wasm=wasm)


def speed_of_keras(browser: Browser, sample: Dataset) -> float:
    """Images per second of Keras, in the second of two epochs."""
    model = keras_network(FILTERS)
    model.compile("adam", "categorical_crossentropy")
    images, labels = prepare_images(sample.x_train[:3_968]), one_hot(sample.y_train[:3_968])
    for _ in range(2):
        start = time.perf_counter()
        model.fit(images, labels, BATCH_SIZE, verbose=0)
        seconds = time.perf_counter() - start
    return len(images) / seconds


CONTESTANTS = {
    "ConvNetJS 0.3.0": speed_of_convnetjs,
    "TensorFlow.js 4.22.0, WebAssembly": speed_of_tensorflow_js,
    "this page": speed_of_ours,
    f"Keras {keras.__version__}, TensorFlow": speed_of_keras,
}


def run_in_page(
    browser: Browser,
    sample: Dataset,
    function: str,
    images: int,
    scripts: Sequence[str] = (),
    **others: object,
) -> float:
    """Run a function of page_training.js, after these scripts; it returns images per second."""
    page = open_training(browser)
    page.set_default_timeout(300_000)
    for script in [*(PEERS / script for script in scripts), Path(__file__).with_suffix(".js")]:
        page.add_script_tag(path=script)
    digits = pack_digits(sample.x_train, sample.y_train)
    speed = page.evaluate(function, {"digits": digits, "images": images, **others})
    page.close()
    return speed


def fetch_packages() -> None:
    """Fetch the other libraries with npm, without what they depend on, unless they are here."""
    for name, version in PACKAGES.items():
        folder = PEERS / name
        if folder.is_dir():
            continue
        folder.mkdir(parents=True)
        command = ["npm", "pack", "--silent", f"{name}@{version}"]
        done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
        with tarfile.open(folder / done.stdout.strip()) as archive:
            for member in archive.getmembers():
                member.name = member.name.partition("/")[2]  # without "package/"
                archive.extract(member, folder, filter="data")


def measure_speeds(browser: Browser, sample: Dataset) -> None:
    """Measure what has no line yet, and add it."""
    known = {(each["by"], each["round"]) for each in read_lines(SPEEDS)}
    missing = [
        (by, number)
        for number in range(1, ROUNDS + 1)
        for by in CONTESTANTS
        if (by, number) not in known
    ]
    if missing:
        fetch_packages()
    for by, number in missing:
        speed = CONTESTANTS[by](browser, sample)
        line: PageSpeed = {
            "by": by,
            "round": number,
            "images_per_second": round(speed, 1),
            "machine": processor(),
            "date": time.strftime("%Y-%m-%d"),
        }
        add_line(SPEEDS, line)


def read_lines(file: Path) -> list[Any]:
    """The values in a file that has one on each line, in JSON."""
    file.touch()
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def add_line(file: Path, line: Mapping[str, object]) -> None:
    """Add a value to such a file, and print it."""
    with file.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(line) + "\n")
    print(line, flush=True)


def main() -> None:
    """Measure what is missing."""
    sample = load_images(source="sample")
    with launch() as browser:
        if browser is None:
            sys.exit(NO_CHROMIUM)
        measure_accuracies(browser, sample)
        measure_speeds(browser, sample)


if __name__ == "__main__":
    main()
