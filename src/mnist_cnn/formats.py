"""Read labelled images from an .npz archive, or from a folder with MNIST's four IDX files.

Files may come from anywhere, so nothing in them is unpickled, and no more is read than a collection
may hold. That is why the arrays of an archive are not read with `np.load`: it trusts the size in an
array's header, and allocates the memory before it reads.
"""

import gzip
import os
import re
import zipfile
from math import prod
from pathlib import Path
from typing import IO

import numpy as np

Arrays = dict[str, np.ndarray]

ARRAYS = ("x_train", "y_train", "x_test", "y_test")
LARGEST = 300_000  # most images in an array; EMNIST Digits has 240,000, which take 188 MB

_IDX_NAME = re.compile(r"(?:\w+-)*(train|t10k|test)-(images|labels)[-.]idx[13]-ubyte(?:\.gz)?")
_USUAL_NAMES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}
_NAMES_FILE = "class_names.txt"
_LONGEST = 100_000  # most bytes that the class names may take


def read_collection(path: Path) -> tuple[Arrays, tuple[str, ...]]:
    """Read the arrays x_train, y_train, x_test and y_test, and the class names if there are any.

    An archive holds the arrays as members, and may hold an array of strings, `class_names`. A
    folder holds four files named like those of MNIST or its successors, gzipped or not, and may
    hold a file class_names.txt with a line for each class.

    Args:
        path: The archive or the folder.

    Returns:
        The arrays by their names, images as integers (n, 28, 28) and labels as integers (n,); and
        the class names, or () if there are none.

    Raises:
        FileNotFoundError: There is neither a file nor a folder at `path`.
        ValueError: The file is damaged, or its content invalid; the message says in what way.
    """
    try:
        if os.path.isdir(path):  # unlike Path.is_dir, it does not raise if the name is too long
            return _read_folder(path)
        if os.path.isfile(path):
            return _read_archive(path)
    except Exception as error:  # a damaged file can raise almost any error
        raise ValueError(str(error)) from error
    raise FileNotFoundError(path)


def _read_archive(path: Path) -> tuple[Arrays, tuple[str, ...]]:
    with zipfile.ZipFile(path) as archive:
        arrays = {}
        for name in ARRAYS:
            with archive.open(f"{name}.npy") as member:
                arrays[name] = _read_npy(name, member)
        if "class_names.npy" not in archive.namelist():
            return arrays, ()
        with archive.open("class_names.npy") as member:
            return arrays, _read_npy_texts("class_names", member)


def _read_npy(name: str, member: IO[bytes]) -> np.ndarray:
    shape, columns_first, dtype = _read_npy_header(member)
    if dtype.hasobject or dtype.kind not in "iu":
        raise ValueError(f"{name} must hold whole numbers, not {dtype}")
    _check_shape(name, shape, _axes(name))
    content = _read_exactly(name, member, prod(shape) * dtype.itemsize)
    return np.frombuffer(content, dtype).reshape(shape, order="F" if columns_first else "C")


def _read_npy_texts(name: str, member: IO[bytes]) -> tuple[str, ...]:
    shape, _, dtype = _read_npy_header(member)
    size = prod(shape) * dtype.itemsize
    if dtype.kind != "U" or len(shape) != 1 or size > _LONGEST:
        raise ValueError(
            f"{name} must be a one-dimensional array of short strings, not {dtype} of shape {shape}"
        )
    return tuple(map(str, np.frombuffer(_read_exactly(name, member, size), dtype)))


def _read_npy_header(member: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Read the header of an array: its shape, whether it is in Fortran order, and its dtype."""
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    version = np.lib.format.read_magic(member)
    if version not in readers:
        raise ValueError(
            f"its arrays are in version {version} of NumPy's format, and only versions 1 and 2 are "
            "supported"
        )
    return readers[version](member)


def _read_folder(folder: Path) -> tuple[Arrays, tuple[str, ...]]:
    arrays = {name: _read_idx(name, path) for name, path in _find_idx_files(folder).items()}
    names = folder / _NAMES_FILE
    if not names.is_file():
        return arrays, ()
    with names.open("rb") as stream:
        return arrays, tuple(stream.read(_LONGEST).decode().splitlines())


def _find_idx_files(folder: Path) -> dict[str, Path]:
    """Find the IDX file of each array; if it is there with and without gzip, take the latter."""
    found: dict[str, dict[str, Path]] = {name: {} for name in ARRAYS}
    for path in sorted(folder.iterdir(), reverse=True):  # x comes after x.gz, and replaces it
        match = _IDX_NAME.fullmatch(path.name)
        if match and path.is_file():
            axis = "x" if match[2] == "images" else "y"
            part = "train" if match[1] == "train" else "test"
            found[f"{axis}_{part}"][path.name.removesuffix(".gz")] = path
    for name, paths in found.items():
        if not paths:
            raise ValueError(f"it has no file {_USUAL_NAMES[name]} or {_USUAL_NAMES[name]}.gz")
        if len(paths) > 1:
            raise ValueError(
                f"it has several files for {name} ({', '.join(sorted(paths))}); keep only one"
            )
    return {name: next(iter(paths.values())) for name, paths in found.items()}


def _read_idx(name: str, path: Path) -> np.ndarray:
    """Read an IDX file of bytes.

    It begins with two zeros, an 8 (for bytes), the number of axes, and the length of each axis as a
    big-endian integer of 4 bytes. The rest is the data.
    """
    axes = _axes(name)
    opened: IO[bytes] = gzip.open(path) if path.suffix == ".gz" else path.open("rb")  # type: ignore
    with opened as stream:
        if stream.read(4) != bytes([0, 0, 8, axes]):
            raise ValueError(
                f"{path.name} does not begin like an IDX file of bytes with {axes} axes"
            )
        shape = tuple(int.from_bytes(stream.read(4), "big") for _ in range(axes))
        _check_shape(path.name, shape, axes)
        return np.frombuffer(_read_exactly(path.name, stream, prod(shape)), "uint8").reshape(shape)


def _axes(array: str) -> int:
    return 3 if array.startswith("x") else 1  # images also have rows and columns


def _check_shape(name: str, shape: tuple[int, ...], axes: int) -> None:
    image = (28, 28) if axes == 3 else ()
    if len(shape) != axes or shape[1:] != image or not 0 < shape[0] <= LARGEST:
        form = "(n, 28, 28)" if axes == 3 else "(n,)"
        raise ValueError(
            f"{name} must have the shape {form}, with n in 1..{LARGEST:,}, not {shape}"
        )


def _read_exactly(name: str, stream: IO[bytes], size: int) -> bytes:
    """Read the rest of a stream, and check that it has the given size in bytes."""
    content = stream.read(size + 1)  # reads to the end, where the checksum is verified
    if len(content) != size:
        amount = "more" if len(content) > size else "less"
        raise ValueError(f"{name} holds {amount} data than its header says")
    return content
