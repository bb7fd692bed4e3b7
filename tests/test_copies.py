"""Copies of the notebooks: to work in, across a real `git pull`, and for a class."""

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from mnist_cnn.copies import MINE, STUDENT, TEACHER, copy_for_a_class, copy_to_work_in, main
from mnist_cnn.folders import runs_folder
from notebook_files import (
    NOTEBOOKS,
    STEPS,
    cells_with_tag,
    code_cells,
    exercise_name,
)
from repository import ROOT


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """The top folder of a project with our notebooks."""
    shutil.copytree(
        ROOT / "notebooks",
        tmp_path / "project" / "notebooks",
        ignore=shutil.ignore_patterns("runs", ".*"),
    )
    return tmp_path / "project"


def git(folder: Path, *arguments: str) -> str:
    person = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org"]
    done = subprocess.run(
        ["git", *person, *arguments], cwd=folder, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def edit(path: Path, text: str) -> None:
    """Add a cell, as JupyterLab saves it."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(text))
    nbformat.write(notebook, path)


@pytest.mark.slow
def test_work_survives_a_pull(top: Path, tmp_path: Path) -> None:
    shutil.copy(ROOT / ".gitignore", top)
    git(top, "init", "--quiet", "--initial-branch=main")
    git(top, "add", ".")
    git(top, "commit", "--quiet", "--message=first")
    git(tmp_path, "clone", "--quiet", str(top), "clone")
    clone = tmp_path / "clone"

    def make_copies() -> str:
        command = [sys.executable, "-m", "mnist_cnn.copies", "mine"]
        return subprocess.run(
            command, cwd=clone, capture_output=True, text=True, check=True, timeout=60
        ).stdout

    assert make_copies() == f"Your copies are in {MINE}/\n"
    assert [path.stem for path in sorted((clone / MINE).glob("*.ipynb"))] == STEPS
    edit(clone / MINE / NOTEBOOKS[1].name, "print('mine')")
    assert git(clone, "status", "--porcelain") == ""

    edit(top / "notebooks" / NOTEBOOKS[1].name, "print('a correction')")
    git(top, "commit", "--all", "--quiet", "--message=second")
    git(clone, "pull", "--quiet")
    assert "a correction" in (clone / "notebooks" / NOTEBOOKS[1].name).read_text()
    mine = clone / MINE / NOTEBOOKS[1].name
    said = make_copies().splitlines()
    assert len(said) == 2
    assert said[0].startswith(
        f"notebooks/{mine.name} is newer than your copy, {MINE}/{mine.name}, "
    )
    assert "print('mine')" in mine.read_text()

    mine.rename(mine.with_name("old.ipynb"))
    assert make_copies() == f"Your copies are in {MINE}/\n"
    assert "a correction" in mine.read_text()
    assert "print('mine')" in mine.with_name("old.ipynb").read_text()


def test_a_copy_finds_runs_and_links(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MNIST_CNN_RUNS")
    first = copy_to_work_in(top)
    assert first.name == NOTEBOOKS[0].name and first.read_bytes() == NOTEBOOKS[0].read_bytes()
    monkeypatch.chdir(first.parent)
    assert runs_folder() == top / "runs"
    # Linked from the first cell of each notebook
    assert (first.parent / "../notebooks/glossary.md").exists()


def test_an_interrupted_copy_is_made_again(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(source: Path, target: Path) -> None:
        target.write_bytes(source.read_bytes()[:1000])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(shutil, "copyfile", interrupted)
        copy_to_work_in(top)
    copy_to_work_in(top)
    for path in NOTEBOOKS:
        assert (top / MINE / path.name).read_bytes() == path.read_bytes()


def test_students_get_stubs_and_no_solutions(top: Path) -> None:
    copy_for_a_class(top)
    for path in NOTEBOOKS:
        copy = nbformat.read(top / STUDENT / path.name, as_version=4)
        nbformat.validate(copy)
        assert not cells_with_tag(top / STUDENT / path.name, "solution")
        assert "<summary>Solution" not in str(copy)
        assert [cell.source for cell in code_cells(copy)] == [
            cell.source for cell in code_cells(nbformat.read(path, as_version=4))
        ]
        assert not any(cell.outputs or cell.execution_count for cell in code_cells(copy))


def test_teachers_get_every_exercise_solved(top: Path) -> None:
    copy_for_a_class(top)
    for path in NOTEBOOKS:
        solved = top / TEACHER / path.name
        answers, stubs = cells_with_tag(solved, "answer"), cells_with_tag(path, "answer")
        assert [exercise_name(cell) for cell in answers] == [exercise_name(cell) for cell in stubs]
        for cell, solution in zip(answers, cells_with_tag(path, "solution"), strict=True):
            assert "..." not in cell.source and not cell.outputs
            code, _, check = cell.source.rpartition("\n")
            assert check.startswith("exercises.") and code.rstrip() in solution.source
        assert any(cell.outputs for cell in code_cells(nbformat.read(solved, as_version=4)))


@pytest.mark.parametrize("which", ["mine", "class"])
def test_where_it_cannot_copy_it_says_why(
    tmp_path: Path,
    top: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    which: str,
) -> None:
    monkeypatch.setattr(sys, "argv", ["copies", which])
    monkeypatch.chdir(tmp_path)
    assert main() == 1 and "start this from the top folder" in capsys.readouterr().err
    for name in (MINE, STUDENT):
        (top / name).write_text("not a folder")
    monkeypatch.chdir(top)
    assert main() == 1 and capsys.readouterr().err.startswith("The notebooks could not be copied: ")
