"""Execute the notebooks in order without a browser: `python -m mnist_cnn`, which is `make run`.

Executed copies and HTML go to build/; with --in-place the notebooks themselves get new outputs (`make notebooks`).
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import nbformat
from bs4 import BeautifulSoup
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbconvert import HTMLExporter

from mnist_cnn.data import DataError, load_mnist

_COLUMNS = ("recipe", "data", "device", "precision", "epochs", "seconds", "test_accuracy")


def main() -> int:
    """Run every notebook; return the exit status, 1 if a cell failed."""
    parser = argparse.ArgumentParser(prog="python -m mnist_cnn", description=__doc__.splitlines()[0])
    parser.add_argument("--in-place", action="store_true", help="write outputs into notebooks/ and make no HTML")
    in_place = parser.parse_args().in_place
    notebooks = sorted(Path("notebooks").glob("[0-9]*.ipynb"))
    if not notebooks:
        print("There is no notebook in ./notebooks: start this from the top folder of the project.", file=sys.stderr)
        return 1
    if in_place:
        try:
            load_mnist(source="full")  # outputs of the sample would contradict the text
        except (OSError, DataError) as error:
            print(f"The notebooks show the full data, and that is not here. {error}", file=sys.stderr)
            return 1
        with tempfile.TemporaryDirectory() as runs:  # they show a training, not that it was done before
            os.environ["MNIST_CNN_RUNS"] = runs
            return _run(notebooks, notebooks[0].parent, in_place)
    return _run(notebooks, Path("build"), in_place)


def _run(notebooks: list[Path], target: Path, in_place: bool) -> int:
    target.mkdir(exist_ok=True)
    for path in notebooks:
        notebook = nbformat.read(path, as_version=4)
        failure = asyncio.run(_execute(notebook, path))
        if failure and in_place:
            print(f"{failure}\n{path} is left as it was.", file=sys.stderr)
            return 1
        nbformat.write(notebook, target / path.name)
        if failure:
            print(f"{failure}\n{target / path.name} shows how far it came.", file=sys.stderr)
            return 1
        if not in_place:
            (target / f"{path.stem}.html").write_text(_to_html(notebook, path.stem), encoding="utf-8")
    print(f"\n{_table()}")
    if not in_place:
        print(f"\nRead {target / notebooks[0].stem}.html in a browser, or slide through the predictions: make lab")
    return 0


async def _execute(notebook: nbformat.NotebookNode, path: Path) -> str:
    """Execute a notebook in its folder, with one progress line; return why it failed, or nothing."""
    client = NotebookClient(
        notebook,
        timeout=None,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
        store_widget_state=False,  # GitHub cannot show notebooks that hold it
        extra_arguments=["--log-level=ERROR"],
    )
    start = time.perf_counter()
    task = asyncio.create_task(client.async_execute())
    while not task.done():
        await asyncio.wait({task}, timeout=1)
        if sys.stdout.isatty():
            print(f"{path.stem:32} cell {client.code_cells_executed:2}  {_since(start)}", end="\r", flush=True)
    for output in (output for cell in notebook.cells for output in cell.get("outputs", ())):
        # Views are gone with their kernel; in their place a page shows their text.
        output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
    failure = ""
    try:
        task.result()
    except CellExecutionError as error:
        failure = f"{path.name} failed: {error.ename}: {error.evalue}"
    except DeadKernelError:
        failure = f"{path.name} failed: its kernel died, perhaps for want of memory"
    print(f"{path.stem:32} {'failed' if failure else 'done   '}  {_since(start)}", flush=True)
    return failure


def _to_html(notebook: nbformat.NotebookNode, title: str) -> str:
    """Convert to HTML: links lead to the other pages, and figures get what their cell's metadata say under `alt`."""
    page, _ = HTMLExporter().from_notebook_node(notebook, {"metadata": {"name": title}})
    soup = BeautifulSoup(page, "html.parser")
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell, element in zip(code, soup.select(".jp-CodeCell"), strict=True):
        for image in element.select("img"):
            image["alt"] = cell.metadata.get("alt", "")
    for link in soup.select('a[href$=".ipynb"]'):
        link["href"] = link["href"].removesuffix("ipynb") + "html"
    return str(soup)


def _table() -> str:
    """What the trainings came to, one row each."""
    from mnist_cnn.runs import RunError, load_run, runs_folder  # imports TensorFlow: not before the notebooks have run

    rows = [_COLUMNS]
    for name in ("relu", "leaky_relu", "relu-sample", "leaky_relu-sample"):
        with suppress(OSError, RunError, KeyError):  # none, damaged, or interrupted: it has no accuracy yet
            metrics = load_run(runs_folder() / name).metrics
            metrics["test_accuracy"] = f"{metrics['test_accuracy']:.2%}"
            rows.append(tuple(str(metrics[column]) for column in _COLUMNS))
    widths = [max(map(len, column)) for column in zip(*rows)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)


def _since(start: float) -> timedelta:
    return timedelta(seconds=int(time.perf_counter() - start))


if __name__ == "__main__":
    sys.exit(main())
