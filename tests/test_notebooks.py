"""The notebooks as people find them in the repository: executed, clean, linked."""

import re
import subprocess
import sys
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

import addresses
from mnist_cnn.backend import keras
from mnist_cnn.data import Dataset
from mnist_cnn.models import build_model
from notebook_files import NOTEBOOKS, STEPS, code_cells
from repository import ROOT

GLOSSARY = ROOT / "notebooks" / "glossary.md"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
PAGES += [ROOT / "teaching" / "README.md", GLOSSARY, *NOTEBOOKS]


def test_all_notebooks_are_here() -> None:
    assert [path.stem for path in NOTEBOOKS] == STEPS


@pytest.mark.slow  # takes no time, but only means something in a run of the whole suite
def test_nbval_runs_every_cell(request: pytest.FixtureRequest, full: Dataset) -> None:
    """Without the full data, mnist_fixtures.py leaves out the notebooks, whose outputs need it."""
    # So plain `pytest` is never skipped below
    assert request.config.getini("testpaths") == ["tests", "notebooks"]
    start = request.config.invocation_params.dir
    options = request.config.option
    asked = {(start / argument.split("::")[0]).resolve() for argument in request.config.args}
    collected = [item.path.stem for item in request.session.items if item.path.suffix == ".ipynb"]
    notebooks_asked_for = asked & {ROOT, ROOT / "notebooks"}
    left_out_by_choice = not collected and (options.keyword or options.markexpr)
    if not notebooks_asked_for or left_out_by_choice:
        pytest.skip("only a part of the tests was asked for, without the notebooks")
    cells = {path.stem: len(code_cells(nbformat.read(path, as_version=4))) for path in NOTEBOOKS}
    assert Counter(collected) == cells and list(cells) == STEPS


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    return request.param


@pytest.fixture
def notebook(path: Path) -> nbformat.NotebookNode:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


def test_executed_in_order_without_errors_or_noise(notebook: nbformat.NotebookNode) -> None:
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert outputs
    for output in outputs:
        assert output.output_type != "error" and output.get("name") != "stderr", output
        assert "WARNING" not in output.get("text", "")
    streams = [
        [output for output in cell.outputs if output.output_type == "stream"] for cell in cells
    ]
    assert max(map(len, streams)) == 1, "text that arrived in pieces differs each time"


def test_github_can_show_it(path: Path, notebook: nbformat.NotebookNode) -> None:
    assert "widgets" not in notebook.metadata
    assert path.stat().st_size < 800_000


def test_a_view_leaves_a_sentence_where_it_cannot_run() -> None:
    """A reference to a widget that no longer exists shows as an error in JupyterLab."""
    view = re.compile(
        r"(PredictionBrowser|ConfusionExplorer|EpochScrubber|DrawingPad|FeatureMaps|Trainer)\("
    )
    sentences = {}
    for path in NOTEBOOKS:
        for cell in code_cells(nbformat.read(path, as_version=4)):
            kinds = [kind for output in cell.outputs for kind in output.get("data", ())]
            assert not any("widget" in kind for kind in kinds), cell.source
            if shown := view.match(cell.source.splitlines()[-1]):
                data = cell.outputs[-1].data
                sentences[shown[1]] = data["text/plain"]
                assert f'data-view="{shown[1]}">{data["text/plain"]}</div>' in data["text/html"]
    assert len(sentences) == 6
    assert all(sentence.endswith("running notebook") for sentence in sentences.values()), sentences


def test_every_figure_has_alternative_text(
    notebook: nbformat.NotebookNode,
) -> None:
    for cell in code_cells(notebook):
        if any("image/png" in output.get("data", {}) for output in cell.outputs):
            assert len(cell.metadata.get("alt", "")) > 20, cell.source


def test_it_has_the_structure_of_the_series(path: Path, notebook: nbformat.NotebookNode) -> None:
    first, questions, last = (notebook.cells[at].source for at in (0, -2, -1))
    assert first.startswith("# ") and first.count("\n# ") == 0
    assert all(word in first for word in ("**You will**", "**You need**", "**Time**"))
    # This step in bold, the others as links
    assert re.findall(r"\*\*(\d\d) ", first) == [path.stem[:2]]
    assert "[glossary](../notebooks/glossary.md)" in first  # leads there from build/, too
    assert questions.startswith("## Four questions") and last.startswith("## In this notebook we…")
    following = [*STEPS[STEPS.index(path.stem) + 1 :], "README"][0]
    assert following in last.splitlines()[-1]


def test_short_routes_lead_along_headings_of_the_notebook() -> None:
    marked = []
    for path in NOTEBOOKS:
        text = markdown_of(path)
        headings = re.findall(r"^## (.*)", text, re.MULTILINE)
        first = nbformat.read(path, as_version=4).cells[0].source
        if route := re.search(r"\*\*Short route\*\* \(\d+ minutes\): (.*)", first, re.DOTALL):
            marked.append(path.stem[:2])
            for name in re.findall(r"\*([^*]+)\*", " ".join(route[1].split())):
                assert any(heading.startswith(name) for heading in headings), name
    assert marked == ["01", "02", "04", "05", "06"]


def test_imports_come_first_and_cells_are_short(notebook: nbformat.NotebookNode) -> None:
    _, imports, *others = code_cells(notebook)
    assert imports.source.startswith(("import", "from"))
    for cell in others:
        lines = [line for line in cell.source.splitlines() if line]
        assert len(lines) <= 12, cell.source


def test_the_first_cell_looks_for_the_package(notebook: nbformat.NotebookNode) -> None:
    first, *others = code_cells(notebook)
    assert first is notebook.cells[1] and first.metadata.tags == ["setup"]
    assert first.source == addresses.first_cell(addresses.read_repository())
    assert not any("setup" in cell.metadata.get("tags", ()) for cell in others)


def test_without_the_package_the_first_cell_says_what_to_do() -> None:
    no_packages = [sys.executable, "-I", "-S", "-c", addresses.first_cell(None)]
    done = subprocess.run(no_packages, capture_output=True, text=True, timeout=60)
    assert done.stderr.splitlines()[-1].startswith(
        "ModuleNotFoundError: This notebook needs the package mnist_cnn: open it with `make lab` "
    )
    with_the_package = [sys.executable, "-c", addresses.first_cell(None)]
    done = subprocess.run(with_the_package, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_on_colab_the_first_cell_installs_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """As IPython reads it; a rehearsal lets it install the package."""
    cell = addresses.first_cell("https://github.com/a/mnist_cnn")
    code = TransformerManager().transform_cell(cell)
    called = []
    shell = SimpleNamespace(run_line_magic=lambda *arguments: called.append(arguments))
    exec(code, {"get_ipython": lambda: shell})  # noqa: S102
    assert called == []
    monkeypatch.setitem(sys.modules, "google.colab", ModuleType("google.colab"))
    exec(code, {"get_ipython": lambda: shell})  # noqa: S102
    assert called == [("pip", "install --quiet git+https://github.com/a/mnist_cnn")]
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(
        ModuleNotFoundError,
        match=r"install it with %pip install --quiet git\+https://github.com/a/",
    ):
        exec(code, {"get_ipython": lambda: shell})  # noqa: S102


def test_the_networks_that_02_builds_are_those_of_the_package() -> None:
    cells = code_cells(nbformat.read(ROOT / "notebooks" / "02_model_building.ipynb", as_version=4))
    built = {"keras": keras, "layers": keras.layers}
    for cell in cells:
        for line in cell.source.splitlines():
            if re.match(r"(article|ours)( =|\.add)", line):
                exec(line, built)  # noqa: S102
    for ours, name in ((built["article"], "article"), (built["ours"], "relu")):
        settings = [
            [(type(layer), layer.get_config() | {"name": None}) for layer in model.layers]
            for model in (ours, build_model(name))
        ]
        assert settings[0] == settings[1]


def test_a_training_leaves_a_single_figure() -> None:
    training = nbformat.read(ROOT / "notebooks" / "04_training.ipynb", as_version=4)
    (cell,) = (cell for cell in code_cells(training) if "LiveCurves()" in cell.source)
    assert [output.output_type for output in cell.outputs] == ["display_data"]


def test_outputs_name_no_place_on_the_machine_that_made_them(
    notebook: nbformat.NotebookNode,
) -> None:
    for cell in code_cells(notebook):
        # The letters of an encoded picture may happen to spell a folder
        text = re.sub(r"'image/png': '[^']*'", "", str(cell.outputs))
        assert not re.search(r"/(home|root|tmp|work|Users)/", text), cell.source


def markdown_of(path: Path) -> str:
    """The text of a page, or of a notebook without its code."""
    if path.suffix != ".ipynb":
        return path.read_text()
    cells = nbformat.read(path, as_version=4).cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def test_the_glossary_is_sorted_and_its_terms_appear_where_it_says() -> None:
    entries = re.findall(r"^\*\*([\w -]+)\*\*.*?(?=:)", GLOSSARY.read_text(), re.MULTILINE)
    assert len(entries) > 30 and entries == sorted(entries, key=str.lower)
    places = re.findall(r"^\*\*([\w -]+)\*\*[^\n[]*(\[.*?\]): ", GLOSSARY.read_text(), re.MULTILINE)
    assert [word for word, _ in places] == entries
    for word, where in places:
        for page in re.findall(r"\((\w+\.ipynb)\)", where):
            text = " ".join(markdown_of(ROOT / "notebooks" / page).lower().split())
            assert word.lower() in text, (word, page)


def test_keras_has_the_names_of_today_and_not_those_that_the_glossary_calls_gone() -> None:
    table = GLOSSARY.read_text().partition("## Reading code from 2018")[2].partition("\n## ")[0]
    for gone in ("advanced_activations", "np_utils", "predict_classes"):
        assert gone in table
    assert find_spec("keras.layers.advanced_activations") is None
    assert not hasattr(keras.utils, "np_utils")
    assert not hasattr(keras.Sequential, "predict_classes")
    assert keras.layers.LeakyReLU(negative_slope=0.1).negative_slope == 0.1
    assert keras.optimizers.Adam(learning_rate=0.001) and keras.utils.to_categorical([1]).any()


@pytest.mark.parametrize("page", PAGES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_link_to_a_file_is_broken(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", markdown_of(page))
    files = [link for link in links if "://" not in link]
    assert files
    assert not [link for link in files if not (page.parent / link).exists()]
