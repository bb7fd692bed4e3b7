"""The views in Python: what they pack, and what stands in their place where nothing moves."""

import gzip
from collections.abc import Callable

import keras
import numpy as np
import pytest

from mnist_cnn.data import Dataset, split_validation
from mnist_cnn.models import build_model
from mnist_cnn.runs import SHIPPED, load_run
from mnist_cnn.views import (
    ConfusionExplorer,
    DrawingPad,
    EpochScrubber,
    FeatureMaps,
    PredictionBrowser,
    Trainer,
)

IMAGES, LABELS = np.zeros((5, 28, 28), "uint8"), np.arange(5)


@pytest.fixture
def both(sample: Dataset) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        name: rng.dirichlet(np.ones(10), len(sample.y_test)).astype("float32")
        for name in ("ReLU", "LeakyReLU")
    }


def test_a_static_page_shows_a_sentence_that_says_which_view_belongs_there(
    sample: Dataset, both: dict[str, np.ndarray], full: Dataset
) -> None:
    test, run = (sample.x_test, sample.y_test), load_run(SHIPPED / "relu.npz")
    shown = [
        PredictionBrowser(*test, both),
        ConfusionExplorer(*test, sample.y_test),
        EpochScrubber(run, *split_validation(full.x_train, full.y_train)[1]),
        DrawingPad(build_model()),
        FeatureMaps(build_model(), *test),
        Trainer(sample.x_train, sample.y_train, *test),
    ]
    sentences = [
        "A slider over 1,000 predictions; it moves in a running notebook",
        "A confusion matrix of 1,000 predictions to choose from; it opens in a running notebook",
        "A slider over 20 epochs of training; it moves in a running notebook",
        "A pad to draw a digit on; it works in a running notebook",
        "The feature maps of a digit, to choose from; they open in a running notebook",
        "A network to choose and to train on 4,000 images; it opens in a running notebook",
    ]
    for view, sentence in zip(shown, sentences, strict=True):
        data, _ = view._repr_mimebundle_()
        assert data["text/plain"] == sentence
        asked = 'data-invitation="Load the images, and train here" '
        invitation = asked if isinstance(view, Trainer) else ""
        place = f'<div class="mnist-view" {invitation}data-view="{type(view).__name__}">'
        assert data["text/html"] == f"{place}{sentence}</div>"
        assert "application/vnd.jupyter.widget-view+json" in data


def test_what_the_browser_gets_is_what_was_given(
    sample: Dataset, both: dict[str, np.ndarray]
) -> None:
    values = PredictionBrowser(sample.x_test, sample.y_test, both).values
    assert gzip.decompress(values["images"]) == sample.x_test.tobytes()
    assert [*values["labels"]] == sample.y_test.tolist() and values["names"] == list("0123456789")
    for packed, (name, probabilities) in zip(values["networks"], both.items(), strict=True):
        assert (packed["name"], packed["probabilities"]) == (name, probabilities.tobytes())


def test_lists_and_other_types_are_as_good(sample: Dataset, both: dict[str, np.ndarray]) -> None:
    plain = PredictionBrowser(sample.x_test, sample.y_test, both)
    lists = {name: array.tolist() for name, array in both.items()}
    assert PredictionBrowser(sample.x_test, sample.y_test.tolist(), lists).values == plain.values
    guesses = np.roll(sample.y_test, 1)
    plain = ConfusionExplorer(sample.x_test, sample.y_test, guesses)
    lists = sample.y_test.tolist(), guesses.tolist(), list(range(1000))
    assert ConfusionExplorer(sample.x_test, *lists).values == plain.values


def test_other_names_need_as_many_classes(sample: Dataset) -> None:
    names = ("ring", "line", "swan")
    pad = DrawingPad(build_model("small_batch_norm", classes=3), names)
    assert pad.values["invitation"].startswith(
        "This network knows ring, line, swan. The pad and its preparation are"
    )
    with pytest.raises(ValueError, match="names must hold a name for each of 3 classes, not 10"):
        DrawingPad(build_model("small_batch_norm", classes=3))


@pytest.mark.parametrize("view", [DrawingPad, lambda model: FeatureMaps(model, IMAGES, LABELS)])
def test_a_view_refuses_what_is_no_network_for_it_in_words(
    view: Callable[[object], object],
) -> None:
    for model in (load_run(SHIPPED / "relu.npz"), "relu", None):
        with pytest.raises(TypeError, match="a view needs a Sequential network"):
            view(model)
    with pytest.raises(ValueError, match=r"begins with keras\.Input\(\(28, 28, 1\)\)"):
        view(keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(10)]))


def test_a_network_is_trained_on_images_that_fit_their_labels(sample: Dataset) -> None:
    values = Trainer(sample.x_train, sample.y_train, sample.x_test, sample.y_test.tolist()).values
    for part, images in (("training", sample.x_train), ("validation", sample.x_test)):
        assert gzip.decompress(values[part]["images"]) == images.tobytes()
    with pytest.raises(ValueError, match=r"validation_labels must be integers of shape \(5,\)"):
        Trainer(IMAGES, LABELS, IMAGES, LABELS[:3])
    with pytest.raises(ValueError, match=r"validation_images must be uint8 of shape \(m, 28, 28\)"):
        Trainer(IMAGES, LABELS, IMAGES[:, :20], LABELS)
    with pytest.raises(ValueError, match=r"labels must lie in 0\.\.2"):
        Trainer(IMAGES, LABELS, IMAGES, LABELS, names=("ring", "line", "swan"))


def test_a_pad_shows_no_maps_of_a_network_that_has_none() -> None:
    assert DrawingPad(build_model("dense")).values["maps"] is False
    with pytest.raises(ValueError, match="no convolution, and so no feature maps"):
        DrawingPad(build_model("dense"), maps=True)
