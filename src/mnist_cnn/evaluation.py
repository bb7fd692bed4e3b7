"""Evaluate networks honestly (notebook 05)."""

from typing import NamedTuple

import numpy as np

from mnist_cnn.arguments import check_array
from mnist_cnn.data import Dataset, check_dataset
from mnist_cnn.exceptions import RunError
from mnist_cnn.models import predict
from mnist_cnn.runs import Run, check_run


class Dispute(NamedTuple):
    """A label that is disputed, and how five people voted.

    Attributes:
        suggested: The digit that a model suggested instead of the label.
        for_label: How many voted for the label.
        for_suggestion: How many voted for the suggestion.
        for_neither: How many voted for neither.
    """

    suggested: int
    for_label: int
    for_suggestion: int
    for_neither: int


# By the index of the test image (Northcutt et al. 2021; mnist_mturk.json in cleanlab/label-errors)
DISPUTED: dict[int, Dispute] = {
    947: Dispute(9, 0, 5, 0),
    1621: Dispute(6, 2, 3, 0),
    1901: Dispute(4, 2, 3, 0),
    2130: Dispute(9, 2, 2, 1),
    2462: Dispute(0, 0, 4, 1),
    2597: Dispute(3, 0, 4, 1),
    2654: Dispute(1, 0, 2, 3),
    3520: Dispute(4, 2, 0, 3),
    3558: Dispute(0, 1, 4, 0),
    5937: Dispute(3, 1, 3, 1),
    6651: Dispute(6, 0, 5, 0),
    6783: Dispute(6, 2, 3, 0),
    8527: Dispute(9, 2, 2, 1),
    9679: Dispute(3, 2, 0, 3),
    9729: Dispute(6, 2, 3, 0),
}


def evaluate_run(run: Run, dataset: Dataset) -> float:
    """The accuracy of a run's network on the test images, in 0..1.

    Args:
        run: The run.
        dataset: Images with as many classes as the run was trained on.

    Raises:
        RunError: The run's weights do not fit its network, or the number of classes differs.
    """
    check_run(run)
    check_dataset(dataset)
    classes = len(dataset.class_names)
    if run.classes != classes:
        raise RunError(
            f"the run's network knows {run.classes} classes, and the images have {classes}"
        )
    probabilities = predict(run.load_model(), dataset.x_test)
    return float(np.mean(probabilities.argmax(axis=1) == dataset.y_test))


def find_mistakes(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Find the misclassified images, the most confident mistake first.

    Args:
        labels: Labels, integers (n,) in 0..classes - 1.
        probabilities: Predicted probabilities, floats (n, classes) in 0..1.

    Returns:
        The indices of the misclassified images, int64 (mistakes,).
    """
    probabilities = check_array("probabilities", probabilities, np.floating, ("n", "classes"), 1)
    n, classes = probabilities.shape
    labels = check_array("labels", labels, np.integer, (n,), classes - 1)
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    return wrong[np.argsort(-probabilities[wrong].max(axis=1), kind="stable")]


def rank_by_doubt(probabilities: np.ndarray) -> np.ndarray:
    """Rank all images, the least confident prediction first.

    Args:
        probabilities: Predicted probabilities, floats (n, classes) in 0..1.

    Returns:
        The indices of all images, int64 (n,).
    """
    probabilities = check_array("probabilities", probabilities, np.floating, ("n", "classes"), 1)
    return np.argsort(probabilities.max(axis=1), kind="stable")
