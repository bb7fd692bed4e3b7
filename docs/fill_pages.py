"""Fill results and addresses into README, benchmarks/README and the notebooks: `make tables`.

A place for generated text is between two comments, `<!-- bench: name -->` and `<!-- end of bench
-->`; its name is that of the function that generates the text. The first cell of each notebook,
tagged `setup`, is generated as a whole. So is measured.json in the package, which notebooks 01, 05,
08 and 09 load.
"""

import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import nbformat

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

import addresses
from mnist_cnn.exceptions import StudyError
from schema import Results
from tables import TABLES, load_measurements, measured

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "benchmarks" / "README.md",
    *sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")),
]
MEASURED = ROOT / "src" / "mnist_cnn" / "measured.json"
PLACE = re.compile(r"(<!-- bench: (\w+) -->\n)(?:.*?\n)??(<!-- end of bench -->)", re.DOTALL)


def generate_texts(results: Results, repository: str | None) -> dict[str, str]:
    """Generate the text of every place, by the name of the place.

    Args:
        results: The measurements, as `load_measurements` returns them.
        repository: The address of the repository, or None if it has none.
    """
    texts = {name: table(results) for name, table in TABLES.items()}
    texts["site_link"] = addresses.site_link(repository)
    texts["binder_badge"] = addresses.binder_badge(repository)
    return texts


def fill(text: str, texts: Mapping[str, str]) -> str:
    """Put generated texts into their places in the text of a page or cell."""
    return PLACE.sub(lambda place: f"{place[1]}{texts[place[2]]}\n{place[3]}", text)


def fill_pages(pages: Iterable[Path], texts: Mapping[str, str], first_cell: str) -> None:
    """Bring pages in Markdown and notebooks up to date."""
    for page in pages:
        if page.suffix == ".md":
            fill_markdown(page, texts)
        else:
            fill_notebook(page, texts, first_cell)


def fill_markdown(page: Path, texts: Mapping[str, str]) -> None:
    """Bring a page in Markdown up to date; a page that is up to date is not written."""
    before = page.read_text(encoding="utf-8")
    after = fill(before, texts)
    if after != before:
        page.write_text(after, encoding="utf-8")


def fill_notebook(page: Path, texts: Mapping[str, str], first_cell: str) -> None:
    """Bring a notebook up to date; a notebook that is up to date is not written."""
    notebook = nbformat.read(page, as_version=4)
    before = [cell.source for cell in notebook.cells]
    for cell in notebook.cells:
        if "setup" in cell.metadata.get("tags", ()):
            cell.source = first_cell
        else:
            cell.source = fill(cell.source, texts)
    if [cell.source for cell in notebook.cells] != before:
        nbformat.write(notebook, page)


def main() -> None:
    """Fill all pages with the results and addresses of this repository."""
    repository = addresses.read_repository()
    try:
        results = load_measurements()
    except StudyError as error:
        sys.exit(str(error))
    texts = generate_texts(results, repository)
    fill_pages(PAGES, texts, addresses.first_cell(repository))
    MEASURED.write_text(measured(results), encoding="utf-8")


if __name__ == "__main__":
    main()
