"""Digits on photographs, in colour (notebook 09)."""

from functools import cache

import numpy as np

from mnist_cnn.arguments import check_array, check_choice, check_seed

_COLUMNS = {"left": slice(0, 420), "right": slice(420, 640)}  # they have none in common


@cache
def load_photographs() -> tuple[np.ndarray, ...]:
    """Load the two photographs that come with scikit-learn: a temple in China, and a dahlia.

    Returns:
        The photographs, uint8 (427, 640, 3) in 0..255 each.
    """
    from sklearn.datasets import load_sample_images  # which takes a third of a second to import

    return tuple(load_sample_images().images)


def put_on_photographs(images: np.ndarray, side: str, seed: int) -> np.ndarray:
    """Put each image on a random patch of a photograph: what differs from the patch is the digit.

    Ganin and Lempitsky made MNIST-M like this, from other photographs ("Unsupervised domain
    adaptation by backpropagation", 2015): each channel becomes the absolute difference of patch
    and image.

    Args:
        images: Images, uint8 (n, 28, 28) in 0..255.
        side: "left" takes patches from the left two thirds of the photographs, "right" from the
            rest. So a network can be tried on patches that it has not learned from.
        seed: Seed of the patches, in 0..2**32 - 1.

    Returns:
        The images in colour, uint8 (n, 28, 28, 3) in 0..255.
    """
    images = check_array("images", images, np.uint8, ("n", 28, 28))
    check_choice("side", side, _COLUMNS)
    rng = np.random.default_rng(check_seed(seed))
    photographs = [photograph[:, _COLUMNS[side]] for photograph in load_photographs()]
    on_photographs = np.empty((*images.shape, 3), "uint8")
    for image, result in zip(images, on_photographs, strict=True):
        photograph = photographs[rng.integers(len(photographs))]
        top, left = (rng.integers(length - 27) for length in photograph.shape[:2])
        patch = photograph[top : top + 28, left : left + 28].astype("int16")
        result[:] = np.abs(patch - image[..., np.newaxis])
    return on_photographs
