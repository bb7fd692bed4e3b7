"""Print what a bug report needs: `python -m mnist_cnn.report`.

The report names no person and no folder.
"""

import os
import platform
import re
from importlib.metadata import requires

from mnist_cnn.data import load_images
from mnist_cnn.exceptions import DataError
from mnist_cnn.folders import keras_cache
from mnist_cnn.machine import cores, installed_version, memory, processor


def report() -> dict[str, str]:
    """Describe the machine, the packages, what Keras computes on, and the images that are here."""
    return {
        "mnist-cnn": installed_version("mnist-cnn"),
        "Python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "processor": _processor(),
        **{name: installed_version(name) for name in _dependencies()},
        "computes on": _device(),
        "images": _images(),
    }


def main() -> None:
    """Print the report, one fact per line."""
    for name, value in report().items():
        print(f"{name:12} {value}")


def _processor() -> str:
    count, size = cores(), memory()
    how_many = "1 core" if count == 1 else f"{count} cores"
    how_much = "memory unknown" if size is None else f"{size / 1e9:.0f} GB"
    return f"{processor()}, {how_many}, {how_much}"


def _dependencies() -> list[str]:
    """The names of the packages that this one depends on, without those of its extras."""
    needed = [line for line in requires("mnist-cnn") or () if "extra ==" not in line]
    return sorted(name[0] for line in needed if (name := re.match(r"[\w-]+", line)))


def _device() -> str:
    try:
        # Imported here because it imports TensorFlow, which may be what fails
        from mnist_cnn.device import choose_precision, device

        return f"{device()} in {choose_precision()}"
    except Exception as error:
        return f"nothing: {type(error).__name__}: {error}"


def _images() -> str:
    """Describe the images in MNIST_NPZ or in Keras's cache, without a download."""
    if not os.environ.get("MNIST_NPZ") and not os.path.exists(keras_cache()):
        return "none yet: MNIST_NPZ is not set, and the Keras cache is empty"
    try:
        return str(load_images()).splitlines()[0]
    except (OSError, DataError) as error:
        return type(error).__name__ + ": " + re.sub(r"\S*[/\\]\S*", "…", str(error))


if __name__ == "__main__":
    main()
