"""Ways to install it, as a new user tries them, each until a slider moves; only with --rehearse.

CI runs all notebooks with the wheel and conda's list (test_series.py), and lets make install what
the tests need.
"""

import subprocess
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
import yaml

import addresses
from newcomer import Newcomer, Session
from notebook_files import NOTEBOOKS
from repository import ROOT

pytestmark = pytest.mark.rehearsal

FIRST = NOTEBOOKS[0]
SIXTH = NOTEBOOKS[5]
SHIPPED = ROOT / "src" / "mnist_cnn" / "shipped_runs"
TRAINING = """
from mnist_cnn.data import load_images
from mnist_cnn.training import train
train("short", load_images(source="sample"))
"""
# What Colab had in August 2026, of what our packages depend on: googlecolab/backend-info,
# pip-freeze.txt.
COLAB = """
ipykernel==6.17.1 ipython==7.34.0 ipywidgets==7.7.1 traitlets==5.7.1 notebook==6.5.7
jupyter_server==2.20.0 jupyter_client==7.4.9 tornado==6.5.7 pyzmq==26.2.1 nbclient==0.10.4
nbconvert==7.17.1 nbformat==5.11.1 tensorflow==2.20.0 keras==3.13.2 numpy==2.1.3 pandas==2.2.3
matplotlib==3.10.0 scipy==1.16.3 scikit-learn==1.6.1 pillow==11.3.0 mlxtend==0.23.4
anywidget==0.9.21 psygnal==0.15.1 filelock==3.32.3 protobuf==5.29.6
""".split()


def megabytes(folder: Path) -> int:
    """What a folder takes on the disk."""
    command = ["du", "--summarize", "--block-size=1MB", folder]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    return int(done.stdout.split()[0])


def test_make_lab(
    newcomer: Newcomer, slide: Callable[[Session, str, str], None], tell: Callable[[str], None]
) -> None:
    """README's first command, in a clone, where another kernel called python3 is preferred."""
    kernel = newcomer.home / ".local" / "share" / "jupyter" / "kernels" / "python3" / "kernel.json"
    kernel.parent.mkdir(parents=True)
    kernel.write_text('{"argv": ["false"], "display_name": "Other", "language": "python"}')
    newcomer.give(kernel)
    newcomer.environment["JUPYTER_PREFER_ENV_PATH"] = "0"
    clone = newcomer.clone(newcomer.home / "mnist_cnn")
    command = ["make", f"PYTHON={newcomer.find_python()}"]
    newcomer.run(*command, ".venv/installed", folder=clone)
    tell(f"set up, {megabytes(clone / '.venv'):,.0f} MB")
    with Session(newcomer, [*command, "lab"], clone) as session:
        slide(session, "my-notebooks/", "make")
        tell(f"06 slides, at most {session.peak / 1e6:,.0f} MB of memory")


def test_the_packages_of_conda(
    newcomer: Newcomer, slide: Callable[[Session, str, str], None], tell: Callable[[str], None]
) -> None:
    """Its packages all come from PyPI: conda itself brings no more than Python and pip."""
    clone = newcomer.clone(newcomer.home / "mnist_cnn")
    python, pip, packages = yaml.safe_load((clone / "environment.yml").read_text())["dependencies"]
    assert pip == "pip"
    programs = newcomer.make_environment(
        newcomer.home / "conda",
        *(word for line in packages["pip"] for word in line.split()),
        version=python.removeprefix("python="),
        within=clone,
    )
    tell(f"set up, {megabytes(newcomer.home / 'conda'):,.0f} MB")
    newcomer.run(programs / "python", "-m", "mnist_cnn.copies", "mine", folder=clone)
    newcomer.run(programs / "jupyter", "execute", clone / "my-notebooks" / FIRST.name, folder=clone)
    newcomer.run(programs / "python", "-c", TRAINING, folder=clone)
    tell("01 has run, and a short training")
    command = [programs / "jupyter", "lab", "--notebook-dir=.", f"my-notebooks/{FIRST.name}"]
    with Session(newcomer, [*map(str, command)], clone) as session:
        slide(session, "my-notebooks/", "conda")
        tell("06 slides")


def test_lone_notebooks(
    newcomer: Newcomer,
    slide: Callable[[Session, str, str], None],
    wheel: Path,
    tell: Callable[[str], None],
) -> None:
    """Each in a folder of its own, with the wheel alone; without it the first says what to do."""
    programs = newcomer.make_environment(newcomer.home / "environment", "nbclient", "ipykernel")
    newcomer.copy(FIRST, newcomer.home / "alone" / FIRST.name)
    with pytest.raises(
        RuntimeError, match=r"ModuleNotFoundError: This notebook needs the package mnist_cnn: \w"
    ):
        newcomer.run(programs / "jupyter", "execute", newcomer.home / "alone" / FIRST.name)
    newcomer.copy(wheel, newcomer.home / wheel.name)
    newcomer.run(programs / "python", "-m", "pip", "install", "--quiet", newcomer.home / wheel.name)
    tell(f"set up, {megabytes(newcomer.home / 'environment'):,.0f} MB")
    run_each_alone(
        newcomer,
        programs,
        {path.name: nbformat.read(path, as_version=4) for path in NOTEBOOKS},
        tell,
    )
    command = [programs / "jupyter", "lab", "--no-browser"]
    with Session(newcomer, [*map(str, command)], newcomer.home / SIXTH.stem) as session:
        slide(session, "", "lone")
        tell("06 slides")


def test_colab(newcomer: Newcomer, tell: Callable[[str], None]) -> None:
    """The first cell installs our package beside Colab's, and replaces some under a running kernel.

    An empty module stands for google.colab, which is not on PyPI; the address is that of a copy of
    this repository. Colab has Python 3.13, and this the one that is at hand for all rehearsals.
    """
    programs = newcomer.make_environment(newcomer.home / "environment", *COLAB, version="3.11")
    module = newcomer.home / ".ipython" / "profile_default" / "startup" / "00-colab.py"
    module.parent.mkdir(parents=True)
    module.write_text(
        "import sys, types\nsys.modules['google.colab'] = types.ModuleType('google.colab')\n"
    )
    newcomer.give(module)
    repository = newcomer.clone(newcomer.home / "repository")
    newcomer.commit(repository)
    notebooks = {path.name: nbformat.read(path, as_version=4) for path in NOTEBOOKS}
    for notebook in notebooks.values():
        notebook.cells[1].source = addresses.first_cell(f"file://{repository}")
    tell("Colab's packages are there")
    run_each_alone(newcomer, programs, notebooks, tell)
    tell(newcomer.run(programs / "python", "-m", "pip", "list"))


def run_each_alone(
    newcomer: Newcomer,
    programs: Path,
    notebooks: dict[str, nbformat.NotebookNode],
    tell: Callable[[str], None],
) -> None:
    """Run each notebook in a folder that holds nothing else; both runs of 04 are finished."""
    newcomer.environment["MNIST_CNN_RUNS"] = str(newcomer.home / "runs")
    for run in ("relu.npz", "leaky_relu.npz"):
        newcomer.copy(SHIPPED / run, newcomer.home / "runs" / run)
    for name, notebook in notebooks.items():
        folder = newcomer.home / Path(name).stem
        folder.mkdir()
        nbformat.write(notebook, folder / name)
        newcomer.give(folder / name)
        newcomer.run(programs / "jupyter", "execute", "--inplace", name, folder=folder)
        assert [path.name for path in folder.iterdir()] == [name]
        tell(f"{name} has run")
