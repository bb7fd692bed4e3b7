"""Execute the notebooks in order, without a browser: `python -m mnist_cnn`, or `make run`.

Executed copies and HTML go to build/. With --in-place, or `make notebooks`, the notebooks get new
outputs themselves.
"""

import argparse
import os
import sys
import tempfile
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbconvert import HTMLExporter
from nbformat import NotebookNode

from mnist_cnn.data import Dataset, load_images
from mnist_cnn.exceptions import DataError
from mnist_cnn.folders import NO_NOTEBOOKS, find_notebooks

_TEMPLATE = """{%- extends "lab/index.html.j2" -%}
{% block data_png scoped %}
<img style="max-width: 100%" alt="{{ cell.metadata.alt | escape_html }}"
  src="data:image/png;base64,{{ output.data['image/png'] }}">
{% endblock data_png %}"""


def main() -> int:
    """Run every notebook; return the exit status, 1 if a cell failed."""
    parser = argparse.ArgumentParser(
        prog="python -m mnist_cnn",
        description="Execute the notebooks in order, without a browser.",
    )
    parser.add_argument(
        "--in-place", action="store_true", help="write outputs into notebooks/ and make no HTML"
    )
    in_place = parser.parse_args().in_place
    notebooks = find_notebooks(Path())
    if not notebooks:
        print(NO_NOTEBOOKS, file=sys.stderr)
        return 1
    try:
        # Outputs from the sample would contradict the text of the notebooks
        dataset = load_images(source="full" if in_place else "auto")
    except (OSError, DataError) as error:
        print(error, file=sys.stderr)
        return 1
    print(dataset)
    try:
        return _run_in_place(notebooks, dataset) if in_place else _run_copies(notebooks, dataset)
    except OSError as error:
        print(
            f"The executed notebooks cannot be saved: {error}. Start this in a copy of the project "
            "that you can write to.",
            file=sys.stderr,
        )
        return 1


def _run_in_place(notebooks: list[Path], dataset: Dataset) -> int:
    """Execute the notebooks and save them with their outputs; one that fails is left as it was."""
    # With no runs to load, the notebooks train, and their outputs show the training
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder, "runs")  # outputs show the last name
        runs.mkdir()
        os.environ["MNIST_CNN_RUNS"] = str(runs)
        for path in notebooks:
            notebook = nbformat.read(path, as_version=4)
            failure = _execute(notebook, path)
            if failure:
                print(f"{path.name} failed: {failure}\n{path} is left as it was.", file=sys.stderr)
                return 1
            nbformat.write(notebook, path)
        _print_results(dataset)
    return 0


def _run_copies(notebooks: list[Path], dataset: Dataset) -> int:
    """Execute copies of the notebooks, and save them in build/ with their HTML."""
    folder = Path("build")
    folder.mkdir(exist_ok=True)
    for path in notebooks:
        notebook = nbformat.read(path, as_version=4)
        failure = _execute(notebook, path)
        copy = folder / path.name
        nbformat.write(notebook, copy)
        if failure:
            print(f"{path.name} failed: {failure}\n{copy} shows how far it came.", file=sys.stderr)
            return 1
        copy.with_suffix(".html").write_text(_to_html(notebook, path.stem), encoding="utf-8")
    _print_results(dataset)
    print(
        f"Read {folder / notebooks[0].stem}.html in a browser, or slide through the predictions: "
        "make lab"
    )
    return 0


class _Progress:
    """A line that says which cell of a notebook is running, and how long the notebook has run."""

    def __init__(self, notebook: str):
        self._notebook = notebook
        self._start = time.perf_counter()

    def update(self, what: str, end: str = "") -> None:
        """Rewrite the line.

        Args:
            what: What the notebook is doing.
            end: Text to end the line with, such as a line break. An update with one is the last.
        """
        if end or sys.stdout.isatty():  # a file needs only the last state of the line
            elapsed = timedelta(seconds=int(time.perf_counter() - self._start))
            print(f"\r{self._notebook:32} {what:16} {elapsed}", end=end, flush=True)


class _Client(NotebookClient):
    """A client that reports progress with each message of the kernel, even in a training run."""

    progress: _Progress

    def process_message(
        self, msg: dict[str, Any], cell: NotebookNode, cell_index: int
    ) -> NotebookNode | None:
        self.progress.update(f"cell {cell_index + 1} of {len(self.nb.cells)}")
        return super().process_message(msg, cell, cell_index)


def _execute(notebook: NotebookNode, path: Path) -> str:
    """Execute a notebook in its folder, and show progress.

    Args:
        notebook: The notebook, which gets new outputs in place.
        path: The path that it was read from.

    Returns:
        The reason why it failed; an empty string if it did not.
    """
    # Use the kernel of this Python, and none that is installed as "python3" on this machine
    kernels = KernelSpecManager(kernel_dirs=[])
    client = _Client(
        notebook,
        km=AsyncKernelManager(kernel_spec_manager=kernels, kernel_name="python3"),
        timeout=None,
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
        # Otherwise the pieces in which printed text arrives would differ from time to time
        coalesce_streams=True,
        store_widget_state=False,  # GitHub cannot show notebooks that contain it
        extra_arguments=["--log-level=ERROR"],
    )
    client.progress = _Progress(path.stem)
    failure = ""
    try:
        with tempfile.TemporaryDirectory() as profile:  # without the user's start-up files
            client.execute(env=os.environ | {"IPYTHONDIR": profile})
    except CellExecutionError as error:
        failure = f"{error.ename}: {error.evalue}"
    except DeadKernelError:
        failure = "its kernel died, perhaps because the machine ran out of memory"
    failure = failure or _find_error(notebook)
    _remove_widgets(notebook)
    client.progress.update("failed" if failure else "done", end="\n")
    return failure


def _find_error(notebook: NotebookNode) -> str:
    """Find the last error in outputs: a value may fail to be shown although its cell succeeded."""
    found = ""
    for cell in notebook.cells:
        may_fail = "raises-exception" in cell.metadata.get("tags", ())
        for output in cell.get("outputs", ()):
            if output.output_type == "error" and not may_fail:
                found = f"{output.ename}: {output.evalue}"
    return found


def _remove_widgets(notebook: NotebookNode) -> None:
    """Remove the views, which need a kernel, and keep the text that stands in their place."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)


def _to_html(notebook: NotebookNode, title: str) -> str:
    """Convert a notebook to HTML, with links to the other pages and descriptions of the figures.

    The description of a figure is the `alt` in its cell's metadata.

    Args:
        notebook: The notebook.
        title: The title of the page.
    """
    page, _ = HTMLExporter(raw_template=_TEMPLATE).from_notebook_node(
        notebook, {"metadata": {"name": title}}
    )
    return str(page).replace('.ipynb"', '.html"')


def _print_results(dataset: Dataset) -> None:
    """Print the result of each training run, one per line."""
    # Imported here because these import Keras, which is not needed before the notebooks have run
    from mnist_cnn.evaluation import evaluate_run
    from mnist_cnn.exceptions import RunError
    from mnist_cnn.runs import load_run, run_file

    for recipe in ("relu", "leaky_relu"):
        with suppress(OSError, RunError):
            run = load_run(run_file(recipe, dataset))
            device, precision = run.environment["device"], run.settings.precision
            print(
                f"{recipe:12} {run.epochs_done} epochs in {run.seconds:.0f} s on the {device} in "
                f"{precision}: {evaluate_run(run, dataset):.2%} of the test images read right"
            )


if __name__ == "__main__":
    sys.exit(main())
