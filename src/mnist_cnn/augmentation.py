"""Show each digit a little differently in every epoch (notebook 04)."""

from typing import TYPE_CHECKING

import numpy as np

from mnist_cnn.arguments import check_array
from mnist_cnn.shared import SHARED

if TYPE_CHECKING:
    import tensorflow as tf

_LIMITS = SHARED["augmentation"]
_MAX_ROTATION: float = _LIMITS["MAX_ROTATION"]  # degrees
_MAX_SCALING: float = _LIMITS["MAX_SCALING"]
_MAX_SHEAR: float = _LIMITS["MAX_SHEAR"]
_MAX_SHIFT: float = _LIMITS["MAX_SHIFT"]  # pixels


def random_affine(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Rotate, scale, shear and shift each image a little, at random.

    Args:
        images: Images, float32 (n, 28, 28, 1) in 0..1.
        rng: Random generator that the transforms are drawn from.

    Returns:
        The transformed images, float32 (n, 28, 28, 1) in 0..1.
    """
    images = check_array("images", images, np.float32, ("n", 28, 28, 1))
    return transform_images(images, draw_transforms(len(images), rng)).numpy()


def draw_transforms(n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw random affine transforms of 28 x 28 pixels about their centre.

    Each rotates by up to 10 degrees, scales by up to 10 %, shears by up to 0.1 and shifts by up to
    2 pixels, in either direction.

    Args:
        n: Number of transforms.
        rng: Random generator that they are drawn from.

    Returns:
        The transforms, float32 (n, 8), in the form that TensorFlow expects: with
        (a, b, c, d, e, f, 0, 0), the pixel at (x, y) is read at (a x + b y + c, d x + e y + f).
    """
    center = (28 - 1) / 2  # of the pixels 0 to 27
    angle = np.radians(rng.uniform(-_MAX_ROTATION, _MAX_ROTATION, n))
    scale_x, scale_y = rng.uniform(1 - _MAX_SCALING, 1 + _MAX_SCALING, (2, n))
    shear = rng.uniform(-_MAX_SHEAR, _MAX_SHEAR, n)
    shift_x, shift_y = rng.uniform(-_MAX_SHIFT, _MAX_SHIFT, (2, n))
    a, b = scale_x * np.cos(angle), shear - scale_x * np.sin(angle)
    d, e = scale_y * np.sin(angle), scale_y * np.cos(angle)
    # Without the shift, these keep the centre in place
    c, f = center * (1 - a - b) + shift_x, center * (1 - d - e) + shift_y
    zeros = np.zeros(n)
    return np.stack([a, b, c, d, e, f, zeros, zeros], axis=1).astype("float32")


def transform_images(
    images: "np.ndarray | tf.Tensor", transforms: "np.ndarray | tf.Tensor"
) -> "tf.Tensor":
    """Transform a batch of images, each with its own transform.

    Pixels are interpolated bilinearly, and those from outside the image are 0. TensorFlow does it
    on every backend of Keras, as it also prepares the batches.

    Args:
        images: Images, float32 (n, 28, 28, 1).
        transforms: Transforms, float32 (n, 8), as `draw_transforms` returns them.

    Returns:
        The transformed images, float32 (n, 28, 28, 1).
    """
    import tensorflow as tf  # after Keras, or its start-up messages appear

    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=transforms,
        output_shape=(28, 28),
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
        fill_value=0.0,
    )
