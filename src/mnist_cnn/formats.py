"""Read labelled images from an .npz archive, or from a folder with four IDX files, the format of MNIST's makers.

Files may come from anywhere, so nothing in them is unpickled, and no more is read than a collection
may hold.
"""

import gzip
import os
import re
import zipfile
from math import prod
from pathlib import Path
from typing import BinaryIO

import numpy as np

ARRAYS = ("x_train", "y_train", "x_test", "y_test")
LARGEST = 300_000  # images in an array; EMNIST Digits has 240,000 and takes 188 MB

_IDX_NAME = re.compile(r"(?:\w+-)*(train|t10k|test)-(images|labels)[-.]idx[13]-ubyte(?:\.gz)?")
_USUAL_NAMES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}
_NAMES_FILE = "class_names.txt"
_LONGEST = 100_000  # bytes of class names


def read_collection(path: Path) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """Read the arrays x_train, y_train, x_test and y_test, and the names of the classes if the collection has them.

    An archive holds them as members; names, if any, as an array of texts `class_names`. A folder
    holds them in the four files of MNIST or of its successors, each gzipped or not; names, if any,
    in class_names.txt, a line for each.

    Returns:
        the arrays: images uint8 (n, 28, 28), labels integers (n,); and the names, () if there are
        none.

    Raises:
        FileNotFoundError: there is neither a file nor a folder.
        Exception: whatever can be wrong with a file; the message says what.
    """
    if os.path.isdir(path):  # unlike Path.is_dir, it raises no error for a name that is too long
        return _read_folder(path)
    if os.path.isfile(path):
        return _read_archive(path)
    raise FileNotFoundError(path)


def _read_archive(path: Path) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    with zipfile.ZipFile(path) as archive:
        arrays = {}
        for name in ARRAYS:
            with archive.open(f"{name}.npy") as member:
                arrays[name] = _read_npy(name, member)
        names = ()
        if "class_names.npy" in archive.namelist():
            with archive.open("class_names.npy") as member:
                shape, _, dtype = _read_npy_header(member)
                if dtype.kind != "U" or len(shape) != 1 or prod(shape) * dtype.itemsize > _LONGEST:
                    raise ValueError(
                        f"class_names must be a row of short texts, not {dtype} of shape {shape}"
                    )
                names = np.frombuffer(
                    _read_exactly("class_names", member, prod(shape) * dtype.itemsize), dtype
                )
        return arrays, tuple(str(name) for name in names)


def _read_npy_header(member: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype]:
    """The shape, whether columns come first, and the dtype."""
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    version = np.lib.format.read_magic(member)
    if version not in readers:
        raise ValueError(
            f"its arrays are in version {version} of NumPy's format, and only 1 and 2 are read"
        )
    return readers[version](member)


def _read_npy(name: str, member: BinaryIO) -> np.ndarray:
    shape, columns_first, dtype = _read_npy_header(member)
    if dtype.hasobject or dtype.kind not in "iu":
        raise ValueError(f"{name} must hold whole numbers, not {dtype}")
    _check_shape(name, shape)
    content = _read_exactly(name, member, prod(shape) * dtype.itemsize)
    return np.frombuffer(content, dtype).reshape(shape, order="F" if columns_first else "C")


def _read_folder(folder: Path) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    found: dict[str, dict[str, Path]] = {name: {} for name in ARRAYS}
    # Where a file is there twice, the one that is not gzipped
    for path in sorted(folder.iterdir(), reverse=True):
        if (match := _IDX_NAME.fullmatch(path.name)) and path.is_file():
            array = ("x" if match[2] == "images" else "y") + (
                "_train" if match[1] == "train" else "_test"
            )
            found[array][path.name.removesuffix(".gz")] = path
    arrays = {}
    for name, paths in found.items():
        if not paths:
            raise ValueError(f"it has no file {_USUAL_NAMES[name]} or {_USUAL_NAMES[name]}.gz")
        if len(paths) > 1:
            raise ValueError(
                f"it has several files for {name} ({', '.join(sorted(paths))}); leave one"
            )
        arrays[name] = _read_idx(name, *paths.values())
    names = folder / _NAMES_FILE
    if not names.is_file():
        return arrays, ()
    with names.open("rb") as stream:
        return arrays, tuple(stream.read(_LONGEST).decode().splitlines())


def _read_idx(name: str, path: Path) -> np.ndarray:
    """Read an IDX file of bytes: two zeros, 8 for bytes, the number of axes, the lengths, the
    numbers.
    """
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
        start = stream.read(4)
        axes = 3 if name.startswith("x") else 1
        if start != bytes([0, 0, 8, axes]):
            raise ValueError(
                f"{path.name} does not begin like an IDX file of bytes with {axes} axes"
            )
        shape = tuple(int.from_bytes(stream.read(4), "big") for _ in range(axes))
        _check_shape(path.name, shape, axes)
        return np.frombuffer(_read_exactly(path.name, stream, prod(shape)), "uint8").reshape(shape)


def _check_shape(name: str, shape: tuple[int, ...], axes: int | None = None) -> None:
    wanted = (28, 28) if (axes or (3 if name.startswith("x") else 1)) == 3 else ()
    if len(shape) != 1 + len(wanted) or shape[1:] != wanted or not 0 < shape[0] <= LARGEST:
        form = "(n, 28, 28)" if wanted else "(n,)"
        raise ValueError(
            f"{name} must have the shape {form}, with n in 1..{LARGEST:,}, not {shape}"
        )


def _read_exactly(name: str, stream: BinaryIO, size: int) -> bytes:
    content = stream.read(size + 1)  # and the checksum, at the end
    if len(content) != size:
        raise ValueError(
            f"{name} holds {'more' if len(content) > size else 'less'} than its beginning says"
        )
    return content
