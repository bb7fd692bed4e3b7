"""Print what pip has to install, a line for each package: for the lesson, and for the extras that are named.

The lists are those of pyproject.toml. But on Linux TensorFlow's usual package includes code for
NVIDIA graphics cards: without such a card, `tensorflow-cpu` does the same with half the download
and two thirds of the space. A list in pyproject.toml cannot depend on a card; so make installs from
here, and then the package itself without dependencies.
"""

import argparse
import platform
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path

PROJECT = tomllib.loads(Path(__file__).with_name("pyproject.toml").read_text(encoding="utf-8"))[
    "project"
]
EXTRAS = PROJECT["optional-dependencies"]


def main() -> None:
    """Print the requirements."""
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
    """The name under which TensorFlow is to be installed on this machine."""
    # Elsewhere one package has it all
    on_pc = (platform.system(), platform.machine()) == ("Linux", "x86_64")
    return "tensorflow-cpu" if on_pc and not shutil.which("nvidia-smi") else "tensorflow"


def requirements_of(extra: str) -> Iterator[str]:
    """What an extra brings, and the extras that it names."""
    for line in EXTRAS[extra]:
        if line.startswith("mnist-cnn["):
            for other in line.removeprefix("mnist-cnn[").removesuffix("]").split(","):
                yield from requirements_of(other)
        else:
            yield line


if __name__ == "__main__":
    main()
