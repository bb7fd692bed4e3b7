"""Show each digit a little differently in every epoch (notebook 04)."""

import numpy as np

from mnist_cnn.arguments import check_array
from mnist_cnn.backend import keras


def random_affine(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Rotate, scale, shear and shift each image a little, at random.

    Args:
        images: float32 (n, 28, 28, 1) in 0..1.
        rng: what to draw from, as `draw_transforms` does.

    Returns:
        float32 (n, 28, 28, 1) in 0..1.
    """
    images = check_array("images", images, np.float32, ("n", 28, 28, 1))
    return transform_images(images, draw_transforms(len(images), rng))


def draw_transforms(n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw affine transforms of 28 x 28 pixels, about the centre.

    They rotate by up to 10 degrees, scale by up to 10 %, shear by up to 0.1 and shift by up to 2
    pixels, all either way.

    Returns:
        float32 (n, 8), as Keras's `affine_transform` takes them: with (a, b, c, d, e, f, 0, 0), the
        pixel at (x, y) is read at (a x + b y + c, d x + e y + f).
    """
    angle = np.radians(rng.uniform(-10, 10, n))
    scale_x, scale_y = rng.uniform(0.9, 1.1, (2, n))
    shear = rng.uniform(-0.1, 0.1, n)
    shift_x, shift_y = rng.uniform(-2, 2, (2, n))
    a, b = scale_x * np.cos(angle), shear - scale_x * np.sin(angle)
    d, e = scale_y * np.sin(angle), scale_y * np.cos(angle)
    # These keep the centre in place, but for the shift
    c, f = 13.5 * (1 - a - b) + shift_x, 13.5 * (1 - d - e) + shift_y
    zeros = np.zeros(n)
    return np.stack([a, b, c, d, e, f, zeros, zeros], axis=1).astype("float32")


def transform_images(images: np.ndarray, transforms: np.ndarray) -> np.ndarray:
    """Transform a batch of images, each with its own transform, in one call of Keras.

    Pixels are interpolated bilinearly, and what comes in from outside is 0.

    Args:
        images: float32 (n, 28, 28, 1).
        transforms: float32 (n, 8), as `draw_transforms` returns them.

    Returns:
        float32 (n, 28, 28, 1).
    """
    transformed = keras.ops.image.affine_transform(
        images, transforms, "bilinear", "constant", data_format="channels_last"
    )
    return keras.ops.convert_to_numpy(transformed)
