"""Execute the notebooks in order, without a browser: `python -m mnist_cnn`, which is `make run`.

Executed copies and HTML go to build/; with --in-place the notebooks themselves get new outputs
(`make notebooks`).
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

from mnist_cnn.copies import NO_NOTEBOOKS, find_notebooks
from mnist_cnn.data import Dataset, load_images
from mnist_cnn.exceptions import DataError

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
        # Outputs on the sample would contradict the text
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
    """Execute the notebooks and save them with their outputs; one that fails stays as it was."""
    # They show a training, not that there was one before
    with tempfile.TemporaryDirectory() as runs:
        os.environ["MNIST_CNN_RUNS"] = runs
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
    """Execute copies of the notebooks in build/, and convert them to HTML."""
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
    """One line that says which cell of a notebook is executed, and for how long it has been."""

    def __init__(self, notebook: str):
        self._notebook = notebook
        self._start = time.perf_counter()

    def update(self, what: str, end: str = "") -> None:
        """Write the line again; with an `end`, for the last time."""
        if end or sys.stdout.isatty():  # in a file, only the last state of the line is of use
            elapsed = timedelta(seconds=int(time.perf_counter() - self._start))
            print(f"\r{self._notebook:32} {what:16} {elapsed}", end=end, flush=True)


class _Client(NotebookClient):
    """A client that reports progress with every message of the kernel: also during a training."""

    progress: _Progress

    def process_message(
        self, msg: dict[str, Any], cell: NotebookNode, cell_index: int
    ) -> NotebookNode | None:
        self.progress.update(f"cell {cell_index + 1} of {len(self.nb.cells)}")
        return super().process_message(msg, cell, cell_index)


def _execute(notebook: NotebookNode, path: Path) -> str:
    """Execute a notebook in its folder, showing progress; return why it failed, or nothing."""
    # Of this Python, whatever kernel is called python3 elsewhere on this machine
    kernels = KernelSpecManager(kernel_dirs=[])
    client = _Client(
        notebook,
        km=AsyncKernelManager(kernel_spec_manager=kernels, kernel_name="python3"),
        timeout=None,
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
        # Or the pieces in which text happened to arrive would differ each time
        coalesce_streams=True,
        store_widget_state=False,  # GitHub cannot show notebooks that hold it
        extra_arguments=["--log-level=ERROR"],
    )
    client.progress = _Progress(path.stem)
    failure = ""
    try:
        with tempfile.TemporaryDirectory() as profile:  # without anybody's start-up files
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
    """The last error of a value that could not be shown, such as a figure; its cell did run."""
    found = ""
    for cell in notebook.cells:
        may_fail = "raises-exception" in cell.metadata.get("tags", ())
        for output in cell.get("outputs", ()):
            if output.output_type == "error" and not may_fail:
                found = f"{output.ename}: {output.evalue}"
    return found


def _remove_widgets(notebook: NotebookNode) -> None:
    """Remove the views, which need a kernel; the text in their place stays."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)


def _to_html(notebook: NotebookNode, title: str) -> str:
    """Convert to HTML, with links to the other pages and the descriptions of figures.

    The description of a figure is the `alt` in its cell's metadata.
    """
    page, _ = HTMLExporter(raw_template=_TEMPLATE).from_notebook_node(
        notebook, {"metadata": {"name": title}}
    )
    return str(page).replace('.ipynb"', '.html"')


def _print_results(dataset: Dataset) -> None:
    """Print what the trainings reached, one line for each run."""
    # Imports Keras: not before the notebooks have run
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
