"""Notebook 09: what it exports, which backends differ, and what it says about its own outputs."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import nbformat
import numpy as np
import pytest

from mnist_cnn.evaluation import DISPUTED
from mnist_cnn.measurements import load_transfer
from mnist_cnn.processes import available, run_python
from notebook_files import NOTEBOOKS, printed_text
from test_other_backends import JAX, OTHERS

(PATH,) = (path for path in NOTEBOOKS if path.stem.startswith("09"))
CELLS = {cell.id: cell for cell in nbformat.read(PATH, as_version=4).cells}


def questions() -> str:
    """The program that asks a backend, of which the notebook has parts in several cells."""
    kept: dict[str, str] = {}
    for cell in CELLS.values():
        for part in re.findall(r'^\w+ = """\n.*?^"""', cell.source, re.DOTALL | re.MULTILINE):
            exec(part, kept)  # noqa: S102
    exec(CELLS["09-differ-show"].source.splitlines()[0], kept)  # noqa: S102
    return kept["questions"]


def stored_differences() -> dict[str, dict[str, str]]:
    """The table of what each backend says, as it is saved in the notebook: by question."""
    heading, *rows = printed_text(CELLS["09-differ-show"]).splitlines()
    return {
        row[:40].strip(): dict(zip(heading.split(), row[40:].split(), strict=True)) for row in rows
    }


def test_ci_has_what_notebook_09_exports_with() -> None:
    """So nbval executes the cells that compare all answers."""
    packages = ("onnx", "tf2onnx", "onnxruntime", "ai_edge_litert")
    missing = [package for package in packages if find_spec(package) is None]
    if missing and "CI" not in os.environ:
        pytest.skip(f"{', '.join(missing)} is not installed; make test installs it")
    assert not missing


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", *OTHERS])
def test_the_backends_differ_as_the_notebook_shows(backend: str) -> None:
    environment = os.environ | {"KERAS_BACKEND": backend, "PYTHONPATH": str(JAX)}
    command = [sys.executable, "-c", questions()]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    says = {line[:41].strip(): line[41:].strip() for line in done.stdout.splitlines()}
    assert says == {question: column[backend] for question, column in stored_differences().items()}


def test_no_question_has_a_single_answer() -> None:
    table = stored_differences()
    assert len(table) == 6
    for answers in table.values():
        assert list(answers) == ["tensorflow", "jax", "torch"] and len(set(answers.values())) == 2


def test_what_is_not_installed_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert available("numpy") and capsys.readouterr().out == ""
    assert not available("numpy", "no_such_package")
    said = capsys.readouterr().out
    assert said == "left out here, as not installed: no_such_package\n"


def test_a_program_runs_elsewhere(tmp_path: Path) -> None:
    program = (
        "import os, sys; print(os.getcwd(), os.getpid(), sys.argv[1:], os.environ['GREETING'])"
    )
    folder, process, rest = run_python(program, tmp_path, 7, "b c", GREETING="hello").split(" ", 2)
    assert Path(folder) == tmp_path and int(process) != os.getpid()
    assert rest == "['7', 'b c'] hello\n" and "GREETING" not in os.environ
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        run_python("1 / 0", tmp_path)


def test_what_is_given_away_answers_as_the_text_says() -> None:
    """The same class for all images, a tenth of the time; in eight bits a quarter of the size."""
    rows = {
        line[:12].strip(): re.findall(r"[\d.]+", line[12:])
        for line in printed_text(CELLS["09-table"]).splitlines()[1:]
    }
    kilobytes, milliseconds, _, changed, difference = np.array(
        [list(map(float, row)) for row in rows.values()]
    ).T
    assert list(rows) == ["Keras", "ONNX", "LiteRT", "LiteRT int8"]
    assert (changed[:3] == 0).all() and 0 < changed[3] <= 10
    assert (difference[:3] < 1e-5).all() and 0.01 < difference[3] < 0.1
    assert (milliseconds[1:3] < milliseconds[0] / 7).all()
    assert 0.2 < kilobytes[3] / kilobytes[0] < 0.3


def test_the_images_that_int8_reads_otherwise_are_those_of_the_text() -> None:
    named = re.findall(r"image (\d+):", printed_text(CELLS["09-changed"]))
    assert len(named) == 5
    assert {1621, 3558, 9679} == {int(number) for number in named} & set(DISPUTED)


def test_the_sheets_are_read_as_the_text_says() -> None:
    rows = {
        line[:10].strip(): [float(share) for share in re.findall(r"([\d.]+)%", line)]
        for line in printed_text(CELLS["09-score-many"]).splitlines()[1:]
    }
    threshold, paper, no_lines = (
        dict(zip(rows, column, strict=True)) for column in np.array(list(rows.values())).T
    )
    assert threshold["plain"] > 95 and 25 < threshold["plain"] - threshold["in shadow"] < 35
    assert paper["in shadow"] > 90 and paper["on lines"] < 10
    assert no_lines["on lines"] > 95 and no_lines["plain"] >= paper["plain"]
    read, lost, misread = map(
        float, re.findall(r"([\d.]+)%", printed_text(CELLS["09-test-sheets"]).splitlines()[0])
    )
    assert 90 < read < 99 and abs(read + lost + misread - 100) < 0.2
    left_out = {
        line.split()[0]: [float(share) for share in re.findall(r"([\d.]+)%", line)]
        for line in printed_text(CELLS["09-ablation"]).splitlines()
    }
    assert left_out["shadow"][0] < left_out["nothing"][0] / 4  # lost
    assert max(left_out["shadow"][1], left_out["slant"][1]) < left_out["nothing"][1]  # misread


def test_bright_backgrounds_are_what_the_grey_network_cannot_read() -> None:
    on_dark, on_bright = map(float, re.findall(r"([\d.]+)%", printed_text(CELLS["09-background"])))
    assert on_dark > 85 and on_bright < 40
    inverted = float(re.search(r"([\d.]+)%", printed_text(CELLS["09-invert"]))[1])
    assert inverted > 90


def test_what_trained_weights_bring_in_colour() -> None:
    scores = load_transfer()
    ways = (
        "from scratch",
        "convolutions frozen",
        "convolutions fine-tuned",
        "everything fine-tuned",
    )
    assert tuple(scores) == ways
    assert all(len(runs) == 5 for way in ways for runs in scores[way].values())
    scratch, frozen, tuned, everything = (
        {number: np.mean(runs) for number, runs in scores[way].items()} for way in ways
    )
    assert list(scratch) == [100, 300, 1000, 3000]
    said = re.findall(r"([\d.]+) %", printed_text(CELLS["09-curve-baseline"]))
    grey, inverted = map(float, said)
    assert scratch[100] < grey - 5 and scratch[1000] < inverted < scratch[3000]
    assert round(frozen[100] - scratch[100]) == round(tuned[100] - scratch[100]) == 13
    assert round(everything[100] - tuned[100]) == 12
    assert abs(frozen[1000] - scratch[1000]) < 0.5
    assert round(scratch[3000] - frozen[3000]) == 1
    assert all(tuned[number] > scratch[number] for number in scratch)
    assert all(everything[number] > max(tuned[number], frozen[number]) for number in scratch)
