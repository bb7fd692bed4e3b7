"""Exercises of notebook 09, on what comes after MNIST."""

from functools import lru_cache

import numpy as np
from numpy.random import default_rng

from mnist_cnn.backend import keras
from mnist_cnn.data import Dataset, split_validation
from mnist_cnn.exercises.kinds import (
    Choice,
    Exercise,
    Function,
    Mistake,
    Network,
    Requirement,
)
from mnist_cnn.exercises.requirements import takes_colour
from mnist_cnn.photographs import put_on_photographs

_KERNELS = default_rng(0).normal(size=(3, 3, 4))
# Middles of boxes: two lines of three, the second of them across row 100; and a line that falls by
# 76 pixels, with another one 43 pixels below it
_TWO_LINES = np.array([[30, 200], [45, 20], [52, 110], [97, 300], [104, 40], [99, 150]])
_SLOPING = np.array([[20, 10], [58, 160], [96, 90], [139, 200], [150, 30], [230, 100]])

_CHANCE = 0.2  # hardly more than one in ten
_GAIN = 0.1  # in accuracy, by training
# Cosine of the head's weights with those of the grey network: 0.98 after forty epochs, and at most
# 0.55 for a new head, even if both started from the same seed
_KINSHIP = 0.9
_HEAD = (6, 8)  # the kernels of the two dense layers, in the list of weights


def _to_eight_bits(weights: np.ndarray, largest: float = 127) -> np.ndarray:
    scale = np.abs(weights).max() / largest
    return np.round(weights / scale) * scale


def _reading_order(middles: np.ndarray) -> np.ndarray:
    order = np.argsort(middles[:, 0])
    begins = np.diff(middles[order, 0], prepend=middles[order[0], 0]) > 40
    return order[np.lexsort((middles[order, 1], np.cumsum(begins)))]


def _by_first_row_of_line(middles: np.ndarray) -> np.ndarray:
    """Lines in which every middle is at most 40 pixels below the first one."""
    order = np.argsort(middles[:, 0])
    line, first, lines = 0, middles[order[0], 0], []
    for row in middles[order, 0]:
        if row - first > 40:
            line, first = line + 1, row
        lines.append(line)
    return order[np.lexsort((middles[order, 1], lines))]


def colour_weights(model: keras.Model) -> list[np.ndarray]:
    """A grey network's weights for one in colour that sees the mean of the three channels."""
    kernel, *others = model.get_weights()
    return [np.repeat(kernel, 3, axis=2) / 3, *others]


@lru_cache(maxsize=1)
def make_colour_digits(dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Up to a thousand validation images on photographs, float32 (n, 28, 28, 3), and labels.

    Args:
        dataset: The images.
    """
    _, (images, labels) = split_validation(dataset.x_train, dataset.y_train)
    some = slice(None, None, -(-len(images) // 1000))
    return put_on_photographs(images[some], "right", seed=9) / np.float32(255), labels[some]


def _colour_accuracy(model: keras.Model, dataset: Dataset) -> float:
    """The accuracy on the check's digits on photographs, in 0..1."""
    images, labels = make_colour_digits(dataset)
    guesses = model.predict(images, batch_size=500, verbose=0).argmax(axis=1)
    return float(np.mean(guesses == labels))


def _keeps_head(answer: keras.Model, model: keras.Model) -> bool:
    """Whether the dense layers of a network point in the directions of the grey network's."""
    for position in _HEAD:
        ours, grey = (each.get_weights()[position].ravel() for each in (answer, model))
        if ours @ grey < _KINSHIP * np.linalg.norm(ours) * np.linalg.norm(grey):
            return False
    return True


def _gain(answer: keras.Model, model: keras.Model, dataset: Dataset) -> float:
    """How much more accurate a network is on photographs than the grey one whose weights it had."""
    start = keras.models.clone_model(answer)
    start.set_weights(colour_weights(model))
    return _colour_accuracy(answer, dataset) - _colour_accuracy(start, dataset)


def _has_weights(answer: keras.Model, weights: list[np.ndarray]) -> bool:
    return all(map(np.array_equal, answer.get_weights(), weights))


def _describe_colour(answer: keras.Model, model: keras.Model, dataset: Dataset) -> str:
    """What a learner is told about a right answer: how much it reads on photographs."""
    return f"It reads {_colour_accuracy(answer, dataset):.1%} of new digits on photographs."


EXERCISES: dict[str, Exercise] = {
    "eight bits": Function(
        inputs=[(_KERNELS,), (np.array([-2.0, -0.3, 0.004, 0.9]),)],
        right=_to_eight_bits,
        mistakes=[
            Mistake(
                "those are the whole numbers; multiply them by the factor, to scale them back",
                lambda weights: np.round(weights / (np.abs(weights).max() / 127)),
            ),
            Mistake(
                "nothing is rounded; between scaling and scaling back comes np.round",
                lambda weights: weights,
            ),
            Mistake(
                "it cuts the decimals off, as `astype` does; np.round goes to the nearest number",
                lambda weights: (
                    np.trunc(weights / (np.abs(weights).max() / 127))
                    * (np.abs(weights).max() / 127)
                ),
            ),
            Mistake(
                "it divides by the largest weight, and the largest may be negative: take the "
                "absolute values first",
                lambda weights: np.round(weights / (weights.max() / 127)) * (weights.max() / 127),
            ),
            Mistake(
                "the largest becomes 128, which int8 does not have; it ends at 127",
                lambda weights: _to_eight_bits(weights, 128),
            ),
            Mistake(
                "the largest becomes 255, as with bytes without a sign; here it becomes 127",
                lambda weights: _to_eight_bits(weights, 255),
            ),
        ],
    ),
    "reading order": Function(
        inputs=[(_TWO_LINES,), (_SLOPING[[4, 2, 0, 5, 1, 3]],)],
        right=_reading_order,
        mistakes=[
            Mistake(
                "those are the cells of our made-up sheets, and on other paper a line may lie "
                "across row 100",
                lambda middles: np.lexsort((middles[:, 1], middles[:, 0] // 100)),
            ),
            Mistake(
                "that is a fixed grid, which may cut a line in two; a line ends where the next "
                "row is more than 40 pixels below",
                lambda middles: np.lexsort((middles[:, 1], middles[:, 0] // 40)),
            ),
            Mistake(
                "that is from top to bottom; within a line the columns decide",
                lambda middles: np.argsort(middles[:, 0]),
            ),
            Mistake(
                "that is from left to right, whatever the line",
                lambda middles: np.argsort(middles[:, 1]),
            ),
            Mistake(
                "those are the middles in the right order; return their indices in `middles`",
                lambda middles: middles[_reading_order(middles)],
            ),
            Mistake(
                "those are indices into the sorted middles; `order[...]` leads back to the "
                "middles as they were given",
                lambda middles: np.argsort(np.argsort(middles[:, 0]))[_reading_order(middles)],
            ),
            Mistake(
                "that says at which place each middle is read; return which middle is read first, "
                "which second, and so on",
                lambda middles: np.argsort(_reading_order(middles)),
            ),
            Mistake(
                "it compares each row with the first of its line, and a line may slope: "
                "compare it with the one before",
                _by_first_row_of_line,
            ),
        ],
    ),
    "fine-tuning in colour": Network(
        requirements=[
            Requirement(
                "it takes images of another shape; they have 28 by 28 pixels in three channels, "
                "as colour_network() takes them",
                lambda answer, model, dataset: takes_colour(answer),
            ),
            Requirement(
                "it has other layers than `model`; colour_network() builds the same ones",
                lambda answer, model, dataset: (
                    [each.shape for each in answer.get_weights()[1:]]
                    == [each.shape for each in model.get_weights()[1:]]
                ),
            ),
            Requirement(
                "its weights are still those of the grey network; now train it on `few`",
                lambda answer, model, dataset: not _has_weights(answer, colour_weights(model)),
            ),
            Requirement(
                "its convolutions are still those of the grey network; this time nothing is frozen",
                lambda answer, model, dataset: not _has_weights(answer, colour_weights(model)[:6]),
            ),
            Requirement(
                "it is hardly better than chance; does each image still have its own label?",
                lambda answer, model, dataset: _colour_accuracy(answer, dataset) >= _CHANCE,
            ),
            Requirement(
                "its head did not start from that of the grey network; give it all of `weights`, "
                "not only those of the convolutions",
                lambda answer, model, dataset: _keeps_head(answer, model),
            ),
            Requirement(
                "it reads photographs hardly better than before its training; give it all the "
                "images of `few`, and more epochs",
                lambda answer, model, dataset: _gain(answer, model, dataset) >= _GAIN,
            ),
        ],
        remark=_describe_colour,
    ),
    "which file": Choice(
        right={
            "colleague": "keras",
            "stranger": "weights",
            "web page": "onnx",
            "sensor": "int8",
        },
        mistakes={
            "colleague": {
                "weights": "with arrays alone, training cannot resume where it stopped: the layers "
                "and the state of the optimizer are missing",
                "onnx": "a network in an ONNX file can only predict, not be trained with Keras",
                "int8": "a network in a LiteRT file can only predict, not be trained with Keras",
            },
            "stranger": {
                "keras": "a .keras file describes what is to be built, and loading such a file "
                "has been made to run code",
                "onnx": "it would be safer, but it is not the network as the stranger's code "
                "builds it; send what that code needs",
                "int8": "it would be safer, but the stranger's code builds the network in float32; "
                "send what that code needs",
            },
            "web page": {
                "keras": "a page cannot run Keras",
                "weights": "weights without layers say nothing to somebody who does not know Keras",
                "int8": "it could be made to work, but there is a format that more tools read, "
                "and a page need not save every byte",
            },
            "sensor": {
                "keras": "Keras does not fit into 512 kB",
                "weights": "the weights in float32 alone take 966 kB",
                "onnx": "in float32 the file takes 970 kB, which is more than there is",
            },
        },
    ),
}
