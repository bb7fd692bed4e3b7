"""The notebooks of the lesson as files: their paths, their order, and what is in their cells."""

import re
from pathlib import Path

import nbformat

from repository import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
STEPS = [
    "01_data_loading",
    "02_model_building",
    "03_leaky_relu",
    "04_training",
    "05_evaluation",
    "06_prediction_visualization",
    "07_inside_the_network",
    "08_room_for_improvement",
    "09_take_it_with_you",
]
MEMBERS = [f"member-{seed}" for seed in range(5)]  # the runs of 08's ensemble


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """The cells of a notebook that hold code."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def cells_with_tag(path: Path, tag: str) -> list[nbformat.NotebookNode]:
    """The cells of a notebook that carry a tag: "answer", "setup" or "solution"."""
    notebook = nbformat.read(path, as_version=4)
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", ())]


def exercise_name(cell: nbformat.NotebookNode) -> str:
    """The name of the exercise that a cell checks."""
    return re.search(r'^exercises\.\w+\("([^"]+)"', cell.source, re.MULTILINE)[1]


def printed_text(cell: nbformat.NotebookNode) -> str:
    """What a cell wrote to stdout, which may have come in several parts."""
    return "".join(output.text for output in cell.outputs if output.get("name") == "stdout")


def shorten_trainings(epochs: int) -> str:
    """The code of a first cell after which 04 trains for so many epochs, at a higher rate.

    With eight epochs the networks reach what notebook 05 promises of the sample.
    """
    return f"""
from dataclasses import replace
from mnist_cnn.recipes import RECIPES
quick = {{"epochs": {epochs}, "learning_rate": 2.5e-3}}
RECIPES |= {{name: replace(RECIPES[name], **quick) for name in ("relu", "leaky_relu")}}
RECIPES |= {{name: replace(RECIPES[name], epochs=2) for name in ("improved", "short")}}
"""
