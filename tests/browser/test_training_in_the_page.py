"""What trains in the page learns as Keras does: gradients, steps, layers and counts."""

import math
from collections.abc import Iterator

import keras
import numpy as np
import pytest
import tensorflow as tf
from playwright.sync_api import Browser, Page
from scipy.stats import ks_2samp

from mnist_cnn.augmentation import draw_transforms, transform_images
from mnist_cnn.data import Dataset, one_hot
from mnist_cnn.models import receptive_fields
from training_page import open_training, pack_digits

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(browser: Browser) -> Page:
    return open_training(browser)


def settings(**changes: object) -> dict[str, object]:
    """Settings of a small network without anything random.

    With some seeds, in the batches of these tests a number lies so near 0 that rounding decides
    what ReLU does with it; with this one, none does.
    """
    plain = {"filters": [8, 8, 16], "activation": "relu", "dropout": 0, "learningRate": 0.001}
    return plain | {"batchSize": 32, "smoothing": 0, "augment": False, "seed": 3} | changes


def keras_network(
    filters: list[int], activation: str, weights: list[list[float]] | None = None
) -> keras.Model:
    """The same network in Keras, written out here, with weights of the page."""

    def convolution(count: int, side: int) -> list[keras.Layer]:
        if activation == "relu":
            return [keras.layers.Conv2D(count, side, activation="relu")]
        return [keras.layers.Conv2D(count, side), keras.layers.LeakyReLU(negative_slope=0.1)]

    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            *convolution(filters[0], 5),
            keras.layers.MaxPooling2D(),
            *convolution(filters[1], 3),
            keras.layers.MaxPooling2D(),
            *convolution(filters[2], 3),
            keras.layers.Flatten(),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    if weights is not None:
        pairs = zip(weights, model.weights, strict=True)
        model.set_weights([np.reshape(values, weight.shape) for values, weight in pairs])
    return model


_ONE_STEP = """(how) => {
  const training = start(how);
  const arrays = (name) => training.parameters.map((parameter) => [...parameter[name]]);
  training.step(); // while biases are 0, ReLU has no slope where an image is empty
  const before = arrays("values");
  training.step();
  return { before, gradients: arrays("gradient") };
}"""

CASES = [
    {"filters": [8, 8, 16]},
    {"filters": [16, 32, 64], "smoothing": 0.1},
    {"filters": [8, 16, 8], "activation": "leaky_relu"},
]


@pytest.fixture
def float64() -> Iterator[None]:
    """Let Keras compute with sixteen digits."""
    usual = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_dtype_policy(usual)


@pytest.mark.parametrize("changes", CASES)
def test_gradients_are_those_of_keras_and_those_by_trying(
    page: Page, sample: Dataset, float64: None, changes: dict
) -> None:
    chosen = settings(**changes)
    images, labels = sample.x_train[:32], sample.y_train[:32]
    step = page.evaluate(_ONE_STEP, {"settings": chosen, "digits": pack_digits(images, labels)})
    model = keras_network(chosen["filters"], chosen["activation"], step["before"])
    loss = cross_entropy(chosen["smoothing"])
    pixels, targets = images[..., np.newaxis] / 255, one_hot(labels).astype("float64")
    with tf.GradientTape() as tape:
        value = loss(targets, model(pixels, training=True))
    exact = tape.gradient(value, [weight.value for weight in model.weights])
    rng = np.random.default_rng(0)
    for weight, ours, theirs in zip(model.weights, step["gradients"], exact, strict=True):
        theirs = np.asarray(theirs).ravel()
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6 * np.abs(theirs).max())
        start = weight.numpy()
        for place in rng.choice(theirs.size, 3, replace=False):
            losses = []
            for little in (1e-6, -1e-6):
                changed = start.copy()
                changed.flat[place] += little
                weight.assign(changed)
                losses.append(float(loss(targets, model(pixels))))
            weight.assign(start)
            by_trying = (losses[0] - losses[1]) / 2e-6
            assert ours[place] == pytest.approx(by_trying, rel=1e-4, abs=1e-6)


def cross_entropy(smoothing: float) -> keras.losses.Loss:
    """The loss, with as many digits as the network has."""
    return keras.losses.CategoricalCrossentropy(label_smoothing=smoothing, dtype="float64")


_HUNDRED_STEPS = """(how) => {
  const training = start(how);
  const arrays = () => training.parameters.map(({ values }) => [...values]);
  const before = arrays();
  for (let step = 0; step < 100; step++) training.step();
  const random = _random.randomGenerator(4 * how.settings.seed + 1);
  const order = _random.shuffledRange(how.digits.labels.length, random);
  return { before, after: arrays(), order, seen: training.seen };
}"""


@pytest.mark.parametrize("changes", CASES)
def test_after_a_hundred_steps_the_weights_are_those_of_keras(
    page: Page, sample: Dataset, float64: None, changes: dict
) -> None:
    """With small steps: larger ones amplify what rounding does to a ReLU near 0.

    With a learning rate of 0.001, Keras itself ends up to 0.014 away from where it ends in float32.
    """
    chosen = settings(**changes, learningRate=0.0001)
    images, labels = sample.x_train[:3200], sample.y_train[:3200]
    ours = page.evaluate(
        _HUNDRED_STEPS, {"settings": chosen, "digits": pack_digits(images, labels)}
    )
    assert sorted(ours["order"]) == list(range(3200)) and ours["seen"] == 3200
    model = keras_network(chosen["filters"], chosen["activation"], ours["before"])
    model.compile(keras.optimizers.Adam(0.0001), cross_entropy(chosen["smoothing"]))
    for batch in np.split(np.array(ours["order"]), 100):
        model.train_on_batch(images[batch][..., np.newaxis] / 255, one_hot(labels[batch]))
    for before, after, weight in zip(ours["before"], ours["after"], model.weights, strict=True):
        theirs = weight.numpy().ravel()
        np.testing.assert_allclose(after, theirs, rtol=0, atol=1e-3)
        # By far more have they learned
        assert np.abs(after - theirs).mean() < 0.01 * np.abs(theirs - before).mean()


_TWICE = """(how) => [1, 2].map(() => {
  const training = start(how);
  while (training.seen < 1000) training.step();
  return training.parameters.map(({ values }) => [...values]);
})"""


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(
    page: Page, sample: Dataset
) -> None:
    digits = pack_digits(sample.x_train[:500], sample.y_train[:500])
    random = {"dropout": 0.5, "augment": True}
    once, again = page.evaluate(_TWICE, {"settings": settings(**random), "digits": digits})
    other, _ = page.evaluate(_TWICE, {"settings": settings(**random, seed=4), "digits": digits})
    assert once == again and once != other


_DROPOUT = """(rate) => {
  const { _random: { randomGenerator }, _layers: { makeLayers } } = window;
  const matrices = { allocate: (length) => new Float32Array(length) };
  const [layer] = makeLayers(matrices, [{ kind: "dropout", rate }], randomGenerator(0));
  const input = Float32Array.from({ length: 784 }, (_, i) => i + 1);
  const trained = [...layer.forward(input, true)];
  return { trained, delta: [...layer.backward(input)], used: [...layer.forward(input, false)] };
}"""


@pytest.mark.parametrize("rate", [0.25, 0.5])
def test_dropout_leaves_numbers_out_only_in_training(page: Page, rate: float) -> None:
    found = page.evaluate(_DROPOUT, rate)
    factors = np.array(found["trained"]) / np.arange(1, 785)
    assert np.mean(factors == 0) == pytest.approx(rate, abs=0.06)
    np.testing.assert_allclose(factors[factors > 0], 1 / (1 - rate), rtol=1e-6)
    np.testing.assert_array_equal(found["trained"], found["delta"])
    np.testing.assert_array_equal(found["used"], np.arange(1, 785))


_MOVE = """({ image, transforms }) => transforms.map((transform) =>
  [..._augmentation.transformImage(Uint8Array.from(image), transform)])"""
_DRAW = """() => {
  const random = _random.randomGenerator(3);
  return Array.from({ length: 5_000 }, () => _augmentation.drawTransform(random));
}"""


def test_augmentation_is_that_of_the_package(page: Page, sample: Dataset) -> None:
    image = sample.x_train[0]
    transforms = draw_transforms(20, np.random.default_rng(0))
    moved = page.evaluate(
        _MOVE, {"image": image.ravel().tolist(), "transforms": transforms[:, :6].tolist()}
    )
    copies = np.repeat(image[np.newaxis, ..., np.newaxis], 20, axis=0).astype("float32")
    expected = transform_images(copies, transforms)
    np.testing.assert_allclose(np.reshape(moved, expected.shape), expected, atol=0.01)  # of 255
    drawn = np.array(page.evaluate(_DRAW))
    usual = draw_transforms(5_000, np.random.default_rng(1))[:, :6]
    for ours, theirs in zip(drawn.T, usual.T, strict=True):
        assert ks_2samp(ours, theirs).pvalue > 0.001


_COUNT = """(chosen) => {
  const layers = _architecture.chooseLayers(chosen, 10);
  const { countParameters, countMultiplyAdds, RECEPTIVE_FIELDS } = _architecture;
  return [countParameters(layers), countMultiplyAdds(layers), RECEPTIVE_FIELDS];
}"""


@pytest.mark.parametrize("changes", CASES)
def test_parameters_multiply_adds_and_fields_are_those_of_keras(page: Page, changes: dict) -> None:
    chosen = settings(**changes)
    parameters, multiply_adds, fields = page.evaluate(_COUNT, chosen)
    model = keras_network(chosen["filters"], chosen["activation"])
    weighted = [layer for layer in model.layers if hasattr(layer, "kernel")]
    products = [
        math.prod(layer.kernel.shape) * math.prod(layer.output.shape[1:-1]) for layer in weighted
    ]
    assert (parameters, multiply_adds) == (model.count_params(), sum(products))
    assert [tuple(field) for field in fields] == receptive_fields(model)
