"""Execute the notebooks without a browser: `python -m mnist_cnn`, or `make run`.

Executed copies and HTML go to build/. With --in-place, or `make notebooks`, the notebooks get new
outputs themselves.
"""

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

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
from mnist_cnn.machine import cores, has_memory_for

_T = TypeVar("_T")

_TRAINING = "04_training"
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
    parser.add_argument(
        "--jobs",
        type=int,
        choices=range(1, 9),
        metavar="N",
        help="notebooks to execute at once, if not --in-place; two, where there is room for them",
    )
    arguments = parser.parse_args()
    notebooks = find_notebooks(Path())
    if not notebooks:
        print(NO_NOTEBOOKS, file=sys.stderr)
        return 1
    try:
        # Outputs from the sample would contradict the text of the notebooks
        dataset = load_images(source="full" if arguments.in_place else "auto")
    except (OSError, DataError) as error:
        print(error, file=sys.stderr)
        return 1
    print(dataset)
    try:
        if arguments.in_place:
            _run_in_place(notebooks, dataset)
        else:
            _run_copies(notebooks, dataset, arguments.jobs or _choose_jobs())
    except _FailedNotebookError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(
            f"The executed notebooks cannot be saved: {error}. Start this in a copy of the project "
            "that you can write to.",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print("\nStopped. A training run goes on after its last finished epoch.", file=sys.stderr)
        return 130  # as usual after Ctrl+C
    return 0


class _FailedNotebookError(Exception):
    """A cell of a notebook failed, or its kernel died."""


def _choose_jobs() -> int:
    """Choose how many notebooks to execute at once: two, unless they would get in each other's way.

    Two kernels cannot share a GPU, as TensorFlow takes all of its memory.
    """
    has_gpu = shutil.which("nvidia-smi") is not None
    # For two kernels, and two processes in which 04 trains
    return 2 if not has_gpu and cores() > 1 and has_memory_for(4) else 1


def _run_in_place(notebooks: list[Path], dataset: Dataset) -> None:
    """Execute the notebooks and save them with their outputs; one that fails is left as it was."""
    progress = _Progress()
    for path in notebooks:
        # With no runs to load, 04 trains, and its outputs show the training; the others show the
        # runs that come with the package, as their text does
        with tempfile.TemporaryDirectory() as folder:
            runs = Path(folder, "runs")  # outputs show the last name
            runs.mkdir()
            os.environ["MNIST_CNN_RUNS"] = str(runs)
            notebook = nbformat.read(path, as_version=4)
            failure = _run(_execute(notebook, path, progress))
            if failure:
                raise _FailedNotebookError(
                    f"{path.name} failed: {failure}\n{path} is left as it was."
                )
            nbformat.write(notebook, path)
            _print_results(dataset)


def _run_copies(notebooks: list[Path], dataset: Dataset, jobs: int) -> None:
    """Execute copies of the notebooks, several at once, and save them in build/ with their HTML."""
    folder = Path("build")
    folder.mkdir(exist_ok=True)
    progress = _Progress()

    async def run_all() -> None:
        turns = asyncio.Semaphore(jobs)
        for stage in _stages(notebooks):
            await asyncio.gather(*(_run_copy(path, folder, progress, turns) for path in stage))

    _run(run_all())
    _print_results(dataset)
    print(
        f"Read {folder / notebooks[0].stem}.html in a browser, or slide through the predictions: "
        "make lab"
    )


def _run(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine in a loop of the kind that kernels need, also on Windows."""
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        return runner.run(coroutine)


def _stages(notebooks: list[Path]) -> list[list[Path]]:
    """Divide notebooks into stages: those after the training read the runs that it leaves.

    In the first stage the training comes first, because it takes longest.
    """
    names = [path.stem for path in notebooks]
    if _TRAINING not in names:
        return [notebooks]
    training = names.index(_TRAINING)
    return [[notebooks[training], *notebooks[:training]], notebooks[training + 1 :]]


async def _run_copy(
    path: Path, folder: Path, progress: "_Progress", turns: asyncio.Semaphore
) -> None:
    """Execute a copy of a notebook when it is its turn, and save it with its HTML.

    Raises:
        _FailedNotebookError: A cell failed; the copy is saved as far as it came.
    """
    async with turns:
        notebook = nbformat.read(path, as_version=4)
        failure = await _execute(notebook, path, progress)
        copy = folder / path.name
        nbformat.write(notebook, copy)
        if failure:
            raise _FailedNotebookError(
                f"{path.name} failed: {failure}\n{copy} shows how far it came."
            )
        copy.with_suffix(".html").write_text(_to_html(notebook, path.stem), encoding="utf-8")


class _Progress:
    """A line that says which cells of which notebooks are running, and for how long."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._running: dict[str, str] = {}  # the cell by notebook

    def update(self, notebook: str, cell: str) -> None:
        """Rewrite the line, as a notebook has come to another cell, such as "3/62"."""
        self._running[notebook] = cell
        if sys.stdout.isatty():  # a file needs only the ends
            what = [f"{name} {cell}" for name, cell in self._running.items()]
            self._print("  ".join([*what, self._elapsed(self._start)]))

    def end(self, notebook: str, how: str, start: float) -> None:
        """Leave a line that says how a notebook ended, and how long it took."""
        self._running.pop(notebook, None)
        self._print(f"{notebook:32} {how:16} {self._elapsed(start)}", end="\n")

    def _elapsed(self, start: float) -> str:
        return str(timedelta(seconds=int(time.perf_counter() - start)))

    def _print(self, line: str, end: str = "") -> None:
        width = shutil.get_terminal_size().columns - 1  # a line that wraps cannot be rewritten
        cleared = f"\r{line[:width]:{width}}" if sys.stdout.isatty() else line
        print(cleared, end=end, flush=True)


class _Client(NotebookClient):
    """A client that reports progress with each message of the kernel, even in a training run."""

    progress: _Progress
    notebook_name: str

    def process_message(
        self, msg: dict[str, Any], cell: NotebookNode, cell_index: int
    ) -> NotebookNode | None:
        self.progress.update(self.notebook_name, f"{cell_index + 1}/{len(self.nb.cells)}")
        return super().process_message(msg, cell, cell_index)

    @asynccontextmanager
    async def async_setup_kernel(self, **kwargs: Any) -> AsyncGenerator[None, None]:
        """Start the kernel, and stop it in the end.

        The method that this replaces lets the kernel of a given manager live on, and catches
        Ctrl+C for the last client only, where several run at once.
        """
        await self.async_start_new_kernel(**kwargs)
        await self.async_start_new_kernel_client()
        try:
            yield
        finally:
            await self._async_cleanup_kernel()


async def _execute(notebook: NotebookNode, path: Path, progress: _Progress) -> str:
    """Execute a notebook in its folder, and show progress.

    Args:
        notebook: The notebook, which gets new outputs in place.
        path: The path that it was read from.
        progress: Where to show how far it is.

    Returns:
        The reason why it failed; an empty string if it did not.
    """
    start = time.perf_counter()
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
        shutdown_kernel="immediate",  # nothing is left to do
    )
    client.progress, client.notebook_name = progress, path.stem
    failure = ""
    try:
        with tempfile.TemporaryDirectory() as profile:  # without the user's start-up files
            await client.async_execute(env=os.environ | {"IPYTHONDIR": profile})
    except CellExecutionError as error:
        failure = f"{error.ename}: {error.evalue}"
    except DeadKernelError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():  # nbclient takes this for a dead kernel
            # Its tasks that watch the kernel now fail, which asyncio would report
            asyncio.get_running_loop().set_exception_handler(lambda *_: None)
            raise asyncio.CancelledError from None
        failure = "its kernel died, perhaps because the machine ran out of memory"
    failure = failure or _find_error(notebook)
    _remove_widgets(notebook)
    progress.end(path.stem, "failed" if failure else "done", start)
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
