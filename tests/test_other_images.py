"""Images other than MNIST's digits: Fashion-MNIST in the whole series, and three classes."""

import re
from dataclasses import replace
from itertools import islice
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from idx_files import pack_idx
from mnist_cnn.data import Dataset, load_images
from mnist_cnn.evaluation import evaluate_run
from mnist_cnn.models import predict
from mnist_cnn.plots import plot_confusion, plot_probabilities, show_predictions
from mnist_cnn.recipes import RECIPES
from mnist_cnn.runs import load_run, run_file
from mnist_cnn.training import find_or_train, train
from notebook_files import MEMBERS, NOTEBOOKS, code_cells, printed_text, shorten_trainings

FASHION = Path("/usr/share/datasets/fashion-mnist")
NAMES = tuple(
    "T-shirt/top, Trouser, Pullover, Dress, Coat, Sandal, Shirt, Sneaker, Bag, Ankle boot".split(
        ", "
    )
)


@pytest.fixture(scope="module")
def fashion() -> Dataset:
    if not FASHION.exists():
        pytest.skip("Fashion-MNIST is not here: apt install dataset-fashion-mnist")
    return load_images(FASHION)


def test_fashion_mnist_is_known_by_its_checksum(fashion: Dataset) -> None:
    assert (fashion.name, fashion.source, fashion.class_names) == (
        "Fashion-MNIST",
        "fashion-mnist",
        NAMES,
    )
    assert np.bincount(fashion.y_train).tolist() == [6000] * 10
    assert np.bincount(fashion.y_test).tolist() == [1000] * 10
    assert str(fashion).startswith(
        "Fashion-MNIST: 60,000 training and 10,000 test images, from the folder fashion-mnist"
    )


@pytest.mark.slow
def test_the_whole_series_runs_on_fashion_mnist_with_one_variable_set(
    fashion: Dataset, tmp_path: Path, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All cells run in one kernel; nbval and test_series.py show that each can stand alone."""
    folder = tmp_path / "clothes"
    folder.mkdir()
    parts = {
        "train-images-idx3-ubyte": fashion.x_train[:1200],
        "train-labels-idx1-ubyte": fashion.y_train[:1200],
        "t10k-images-idx3-ubyte": fashion.x_test[:500],
        "t10k-labels-idx1-ubyte": fashion.y_test[:500],
    }
    for name, array in parts.items():
        (folder / name).write_bytes(pack_idx(array))
    (folder / "class_names.txt").write_text("\n".join(NAMES))
    monkeypatch.setenv("MNIST_NPZ", str(folder))
    series = [nbformat.read(path, as_version=4) for path in NOTEBOOKS]
    cells = [cell for notebook in series for cell in notebook.cells]
    together = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(shorten_trainings(3)), *cells]
    )
    NotebookClient(together, timeout=900, resources={"metadata": {"path": str(tmp_path)}}).execute()

    few = load_images()
    assert str(few).startswith(
        "clothes (not a known collection): 1,200 training and 500 test images"
    )
    for recipe in ("relu", "leaky_relu"):
        assert 0.65 < evaluate_run(load_run(runs / f"{recipe}-clothes-images.npz"), few) < 0.95
    trained = ["relu", "leaky_relu", "improved", *MEMBERS]
    trained += ["first-look-relu", "first-look-leaky_relu"]
    assert sorted(path.stem for path in runs.glob("*.npz")) == sorted(
        f"{name}-clothes-images" for name in trained
    )
    executed = iter(cells)
    outputs = [output for cell in code_cells(together) for output in cell.outputs]
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []
    said = {}
    for path, notebook in zip(NOTEBOOKS, series, strict=True):
        cells = islice(executed, len(notebook.cells))
        said[path.stem[:2]] = "".join(
            printed_text(cell) for cell in cells if cell.cell_type == "code"
        )
    assert all(
        "The text of the notebooks is about MNIST's digits." in of_notebook
        for of_notebook in said.values()
    )
    assert not any("comes with the package" in of_notebook for of_notebook in said.values())
    assert re.search(r"(Shirt|T-shirt/top|Pullover|Coat) taken for ", said["05"])
    assert "improved: training now" in said["05"] and "improved: your run" in said["08"]


# Three classes with names of their own


@pytest.fixture(scope="module")
def shapes(sample: Dataset) -> Dataset:
    """Zeros, ones and twos under other names, one of which must not be taken for HTML."""
    train, test = sample.y_train < 3, sample.y_test < 3
    return replace(
        sample,
        x_train=sample.x_train[train],
        y_train=sample.y_train[train],
        x_test=sample.x_test[test],
        y_test=sample.y_test[test],
        source="shapes-images",
        name="shapes",
        class_names=("ring", "<b>line</b>", "swan & co"),
    )


@pytest.fixture(scope="module")
def trained(shapes: Dataset, tmp_path_factory: pytest.TempPathFactory) -> tuple:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MNIST_CNN_RUNS", str(tmp_path_factory.mktemp("runs")))
        run = train("short", shapes, epochs=2)
        assert run_file("short", shapes).name == "short-shapes-images.npz"
        patch.setitem(RECIPES, "relu", replace(RECIPES["relu"], epochs=1))
        few = replace(shapes, x_train=shapes.x_train[:64], y_train=shapes.y_train[:64])
        assert find_or_train("relu", few).finished
        return run, load_run(run_file("short", shapes)).load_model()


@pytest.mark.slow
def test_a_network_has_as_many_outputs_as_there_are_classes(
    shapes: Dataset, trained: tuple
) -> None:
    run, model = trained
    probabilities = predict(model, shapes.x_test)
    assert probabilities.shape == (300, 3) and run.predicted.max() == 2
    assert np.mean(probabilities.argmax(axis=1) == shapes.y_test) > 0.95


@pytest.mark.slow
def test_figures_name_the_classes(shapes: Dataset, trained: tuple) -> None:
    names, probabilities = shapes.class_names, predict(trained[1], shapes.x_test[:5])
    figure = show_predictions(shapes.x_test[:5], shapes.y_test[:5], probabilities, names)
    for axis, label, of_one in zip(figure.axes, shapes.y_test, probabilities, strict=False):
        assert axis.get_title().splitlines()[:2] == [
            f"actual {names[label]}",
            f"predicted {names[of_one.argmax()]}",
        ]
    figure = plot_probabilities(shapes.x_test[0], 0, {"net": probabilities[0]}, names)
    assert [label.get_text() for label in figure.axes[1].get_yticklabels()] == list(names)
    figure = plot_confusion(np.eye(3, dtype=int), names=names)
    for labels in (figure.axes[0].get_xticklabels(), figure.axes[0].get_yticklabels()):
        assert [label.get_text() for label in labels] == list(names)


def test_long_titles_make_figures_wider_and_short_ones_do_not(shapes: Dataset) -> None:
    widths = [
        show_predictions(
            shapes.x_test[:1], shapes.y_test[:1], np.eye(3)[shapes.y_test[:1]], names
        ).get_figwidth()
        for names in (("0", "1", "2"), ("a" * 30, "b" * 30, "c" * 30))
    ]
    assert widths[0] == pytest.approx(5 * 0.95) and widths[1] > 2 * widths[0]


def test_every_notebook_gets_its_images_from_one_call() -> None:
    for path in NOTEBOOKS:
        code = "\n".join(cell.source for cell in code_cells(nbformat.read(path, as_version=4)))
        assert code.count("load_images()") == 1, path
