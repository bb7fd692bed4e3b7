"""Files in the format in which MNIST was published."""

import struct

import numpy as np


def pack_idx(array: np.ndarray) -> bytes:
    """Pack a uint8 array as the original files do: magic number, sizes, bytes."""
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()
