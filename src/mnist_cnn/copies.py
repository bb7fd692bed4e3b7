"""Copy the notebooks to work in, or for a class.

The command is `python -m mnist_cnn.copies mine`, or `class`. Working in copies leaves the originals
unchanged, so that `git pull` brings corrections without conflicts.
"""

import argparse
import json
import re
import shutil
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.preprocessors import ClearOutputPreprocessor, Preprocessor, TagRemovePreprocessor

from mnist_cnn.folders import NO_NOTEBOOKS, find_notebooks

# Beside notebooks/, so that relative links still work
MINE, STUDENT, TEACHER = "my-notebooks", "student-notebooks", "teacher-notebooks"
_RECORD = ".copied.json"  # the fingerprint of each original when it was copied


class SolveExercises(Preprocessor):
    """Replace each stub by the code of the folded solution after it, and keep the stub's check."""

    def preprocess(
        self, notebook: nbformat.NotebookNode, resources: dict[str, Any]
    ) -> tuple[nbformat.NotebookNode, dict[str, Any]]:
        """Fill in the solutions; nbconvert calls this.

        Args:
            notebook: The notebook, which is changed in place.
            resources: Resources of nbconvert, which are not used.

        Returns:
            The same notebook and resources.
        """
        for cell in notebook.cells:
            tags = cell.metadata.get("tags", ())
            if "answer" in tags:
                stub = cell
            elif "solution" in tags:  # which always follows the answer's cell
                (solution,) = re.findall(r"```python\n(.*?)```", cell.source, re.DOTALL)
                gap = "\n\n\n" if solution.startswith("def ") else "\n"
                check = stub.source.splitlines()[-1]
                stub.source = f"{solution.rstrip()}{gap}{check}"
                stub.outputs = []
                stub.execution_count = None
        return notebook, resources


def copy_to_work_in(top: Path) -> Path:
    """Copy each notebook that is not yet in my-notebooks/, and never overwrite one that is.

    It prints which originals have changed since they were copied.

    Args:
        top: The top folder of the project, with at least one notebook.

    Returns:
        The path of the first copy.
    """
    folder = top / MINE
    folder.mkdir(exist_ok=True)
    record = folder / _RECORD
    known = json.loads(record.read_text()) if record.exists() else {}
    for original in find_notebooks(top):
        mine = folder / original.name
        fingerprint = sha256(original.read_bytes()).hexdigest()
        if not mine.exists():
            new = mine.with_suffix(".new")  # so that a copy is either complete or missing
            shutil.copyfile(original, new)
            new.replace(mine)
            known[original.name] = fingerprint
        elif known.get(original.name) != fingerprint:
            print(
                f"notebooks/{original.name} is newer than your copy, {MINE}/{original.name}, which "
                "stays as it is. To get the new one, rename yours and call this again."
            )
        record.write_text(json.dumps(known, indent=1))
    return folder / find_notebooks(top)[0].name


def copy_for_a_class(top: Path) -> tuple[Path, Path]:
    """Make student-notebooks/ and teacher-notebooks/.

    The students' copies have neither solutions nor outputs. In the teacher's, all exercises are
    solved.

    Args:
        top: The top folder of the project.

    Returns:
        The students' folder and the teacher's.
    """
    without: list[Preprocessor] = [
        TagRemovePreprocessor(remove_cell_tags={"solution"}, enabled=True),
        ClearOutputPreprocessor(enabled=True),
    ]
    solved: list[Preprocessor] = [SolveExercises(enabled=True)]
    students, teacher = top / STUDENT, top / TEACHER
    for folder, preprocessors in ((students, without), (teacher, solved)):
        folder.mkdir(exist_ok=True)
        for original in find_notebooks(top):
            notebook = nbformat.read(original, as_version=4)
            for preprocessor in preprocessors:
                notebook, _ = preprocessor(notebook, {})
            nbformat.write(notebook, folder / original.name)
    return students, teacher


def main() -> int:
    """Make the copies that the command asks for; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m mnist_cnn.copies",
        description="Copy the notebooks, to work in or for a class.",
    )
    parser.add_argument("which", choices=("mine", "class"), help="to work in, or for a class")
    which = parser.parse_args().which
    top = Path.cwd()
    if not find_notebooks(top):
        print(NO_NOTEBOOKS, file=sys.stderr)
        return 1
    try:
        if which == "mine":
            first = copy_to_work_in(top)
            print(f"Your copies are in {first.parent.name}/")
        else:
            students, teacher = copy_for_a_class(top)
            print(f"Made {students.name}/ and {teacher.name}/")
    except OSError as error:
        print(f"The notebooks could not be copied: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
