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

import nbformat
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbconvert import HTMLExporter

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
        if not in_place:
            return _run(notebooks, Path("build"), dataset)
        # They show a training, not that there was one before
        with tempfile.TemporaryDirectory() as runs:
            os.environ["MNIST_CNN_RUNS"] = runs
            return _run(notebooks, Path("notebooks"), dataset)
    except OSError as error:
        print(
            f"The executed notebooks cannot be saved: {error}. Start this in a copy of the project "
            "that you can write to.",
            file=sys.stderr,
        )
        return 1


def _run(notebooks: list[Path], target: Path, dataset: Dataset) -> int:
    target.mkdir(exist_ok=True)
    for path in notebooks:
        notebook, copy = nbformat.read(path, as_version=4), target / path.name
        failure = _execute(notebook, path)
        if copy != path or not failure:
            nbformat.write(notebook, copy)
        if failure:
            what = "is left as it was" if copy == path else "shows how far it came"
            print(f"{path.name} failed: {failure}\n{copy} {what}.", file=sys.stderr)
            return 1
        if copy != path:
            copy.with_suffix(".html").write_text(_to_html(notebook, path.stem), encoding="utf-8")
    _print_results(dataset)
    if target.name == "build":
        print(
            f"Read {target / notebooks[0].stem}.html in a browser, or slide through the "
            "predictions: make lab"
        )
    return 0


def _execute(notebook: nbformat.NotebookNode, path: Path) -> str:
    """Execute a notebook in its folder, with one progress line; return why it failed, or nothing."""
    start = time.perf_counter()

    def report(what: str, end: str = "") -> None:
        if end or sys.stdout.isatty():  # in a file, only the last state of the line is of use
            seconds = int(time.perf_counter() - start)
            print(f"\r{path.stem:32} {what:16} {timedelta(seconds=seconds)}", end=end, flush=True)

    class Client(NotebookClient):
        def process_message(
            self, msg: dict, cell: nbformat.NotebookNode, cell_index: int
        ) -> nbformat.NotebookNode:
            # Moves after every epoch of a training
            report(f"cell {cell_index + 1} of {len(notebook.cells)}")
            return super().process_message(msg, cell, cell_index)

    # Of this Python, whatever kernel is called python3 elsewhere on this machine
    kernels = KernelSpecManager(kernel_dirs=[])
    client = Client(
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
    failure = ""
    try:
        with tempfile.TemporaryDirectory() as profile:  # without anybody's start-up files
            client.execute(env=os.environ | {"IPYTHONDIR": profile})
    except CellExecutionError as error:
        failure = f"{error.ename}: {error.evalue}"
    except DeadKernelError:
        failure = "its kernel died, perhaps because the machine ran out of memory"
    for cell in notebook.cells:
        may_fail = "raises-exception" in cell.metadata.get("tags", ())
        for output in cell.get("outputs", ()):
            # Also if a cell ran, but its value could not be shown, such as a figure
            if output.output_type == "error" and not may_fail:
                failure = f"{output.ename}: {output.evalue}"
            # No kernel, no view: text stays
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
    report("failed" if failure else "done", end="\n")
    return failure


def _to_html(notebook: nbformat.NotebookNode, title: str) -> str:
    """Convert to HTML; links lead to the other pages, and figures get the `alt` text of their
    cell's metadata.
    """
    page, _ = HTMLExporter(raw_template=_TEMPLATE).from_notebook_node(
        notebook, {"metadata": {"name": title}}
    )
    return page.replace('.ipynb"', '.html"')


def _print_results(dataset: Dataset) -> None:
    """Print what the trainings reached, one line for each run."""
    # Imports Keras: not before the notebooks have run
    from mnist_cnn.evaluation import evaluate_run
    from mnist_cnn.exceptions import RunError
    from mnist_cnn.runs import load_run, run_file

    for recipe in ("relu", "leaky_relu"):
        with suppress(OSError, RunError):
            run = load_run(run_file(recipe, dataset))
            how = (
                f"{run.epochs_done} epochs in {run.seconds:.0f} s on the {run.made_with['device']}"
            )
            accuracy = f"{evaluate_run(run, dataset):.2%} of the test images read right"
            print(f"{recipe:12} {how} in {run.settings.precision}: {accuracy}")


if __name__ == "__main__":
    sys.exit(main())
