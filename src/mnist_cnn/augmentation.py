"""Show each digit a little differently in every epoch (notebook 04)."""

import numpy as np

from mnist_cnn.arguments import check_array
from mnist_cnn.backend import keras


def random_affine(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Rotate, scale, shear and shift each image a little, at random.

    By up to 10 degrees, 10 %, 0.1 and 2 pixels either way, about the centre. Pixels are
    interpolated bilinearly, and what comes in from outside is 0. The whole batch takes one call of
    Keras's `affine_transform`.

    Args:
        images: float32 (n, 28, 28, 1) in 0..1.
        rng: what to draw from.

    Returns:
        float32 (n, 28, 28, 1) in 0..1.
    """
    images = check_array("images", images, np.float32, ("n", 28, 28, 1))
    n = len(images)
    angle = np.radians(rng.uniform(-10, 10, n))
    scale_x, scale_y = rng.uniform(0.9, 1.1, (2, n))
    shear = rng.uniform(-0.1, 0.1, n)
    shift_x, shift_y = rng.uniform(-2, 2, (2, n))
    # The pixel at (x, y) is read at (a x + b y + c, d x + e y + f); c and f keep the centre in
    # place.
    a, b = scale_x * np.cos(angle), shear - scale_x * np.sin(angle)
    d, e = scale_y * np.sin(angle), scale_y * np.cos(angle)
    c, f = 13.5 * (1 - a - b) + shift_x, 13.5 * (1 - d - e) + shift_y
    transforms = np.stack([a, b, c, d, e, f, 0 * a, 0 * a], axis=1)
    moved = keras.ops.image.affine_transform(
        images, transforms.astype("float32"), "bilinear", "constant", data_format="channels_last"
    )
    return keras.ops.convert_to_numpy(moved)
