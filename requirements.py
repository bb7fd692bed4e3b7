"""Print the packages that pip has to install for the lesson and the given extras, one per line.

The lists are those in pyproject.toml. But on Linux, TensorFlow's usual package includes code for
NVIDIA GPUs. Without such a GPU, `tensorflow-cpu` does the same, with half the download and two
thirds of the disk space. A list in pyproject.toml cannot depend on a GPU. So make installs these
packages first, and then this project's package without dependencies.
"""

import argparse
import platform
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path

PYPROJECT = Path(__file__).with_name("pyproject.toml")
PROJECT = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def main() -> None:
    """Print the requirements of the lesson and of the extras named on the command line."""
    parser = argparse.ArgumentParser(description="Print what pip has to install.")
    parser.add_argument("extras", nargs="*", help=f"some of {', '.join(EXTRAS)}")
    extras = parser.parse_args().extras
    if unknown := set(extras) - set(EXTRAS):
        parser.error(f"pyproject.toml has no extra {', '.join(unknown)}")
    for line in PROJECT["dependencies"]:
        print(line.replace("tensorflow>", f"{tensorflow_package()}>"))
    for extra in extras:
        print(*requirements_of(extra), sep="\n")


def tensorflow_package() -> str:
    """The name of the TensorFlow package that suits this machine."""
    # On other systems there is only one package
    is_linux_pc = (platform.system(), platform.machine()) == ("Linux", "x86_64")
    has_card = shutil.which("nvidia-smi") is not None
    return "tensorflow-cpu" if is_linux_pc and not has_card else "tensorflow"


def requirements_of(extra: str) -> Iterator[str]:
    """Yield the requirements of an extra, including those of the extras that it refers to."""
    for line in EXTRAS[extra]:
        if line.startswith("mnist-cnn["):
            for other in line.removeprefix("mnist-cnn[").removesuffix("]").split(","):
                yield from requirements_of(other)
        else:
            yield line


if __name__ == "__main__":
    main()
