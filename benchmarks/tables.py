"""Write the tables in README.md, benchmarks/README.md and the notebooks from results.json: `make tables`.

A table is between two comments, `<!-- bench: name -->` and `<!-- end of bench -->`; the name is a function below.
"""

import json
import re
import tomllib
from pathlib import Path

import nbformat

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "benchmarks" / "README.md", *sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))]
PLACE = re.compile(r"(<!-- bench: (\w+) -->\n)(?:.*?\n)??(<!-- end of bench -->)", re.DOTALL)

# After twenty epochs; from the article that the notebooks follow, "Implementation of Convolutional Neural Network using
# Python and Keras" (2018).
ARTICLE_ACCURACY = "99.39 % (as reported)"

_HOW = {"fit": "plain Keras", "train": "ours", "torch": "PyTorch"}
_BITS = {"float32": "float32", "mixed_bfloat16": "bfloat16"}


def write_tables(results: dict) -> None:
    """Bring every page up to date; those that are, are not touched."""
    for page in PAGES:
        if page.suffix == ".md":
            text = page.read_text(encoding="utf-8")
            if (filled := fill(text, results)) != text:
                page.write_text(filled, encoding="utf-8")
        else:
            notebook = nbformat.read(page, as_version=4)
            before = [cell.source for cell in notebook.cells]
            for cell in notebook.cells:
                cell.source = fill(cell.source, results)
            if [cell.source for cell in notebook.cells] != before:
                nbformat.write(notebook, page)


def fill(text: str, results: dict) -> str:
    """Put the tables of these results into their places in a text."""
    return PLACE.sub(lambda place: f"{place[1]}{TABLES[place[2]](results)}\n{place[3]}", text)


def recipes(results: dict) -> str:
    """What a newcomer asks: how good and how fast the article's network is, and what is trained here."""
    wanted = [("fit", "article", "float32")]
    wanted += [("train", recipe, results["chosen_precision"]) for recipe in ("relu", "improved", "short")]
    rows = {(row["what"], row["recipe"], row["precision"]): row for row in results["rows"]}
    return markdown(
        ("", "test accuracy, mean ± sd", "time in all", "times as fast"),
        [
            (
                contestant(row),
                score(row) or ARTICLE_ACCURACY,
                f"{row['seconds_total']:,.0f} s",
                f"{row['ratio_to_article']:.1f}",
            )
            for row in map(rows.get, wanted)
        ],
    )


def all_recipes(results: dict) -> str:
    """What everything that was measured reaches, and what it costs."""
    return markdown(
        ("", "precision", "epochs", "test accuracy, mean ± sd", "an epoch", "in all", "times as fast", "peak memory"),
        [
            (
                contestant(row),
                _BITS[row["precision"]],
                row["epochs"],
                score(row),
                f"{row['seconds_per_epoch']:.1f} s",
                f"{row['seconds_total']:,.0f} s",
                f"{row['ratio_to_article']:.1f}",
                f"{row['peak_mb']:,} MB",
            )
            for row in results["rows"]
        ],
    )


def seeds(results: dict) -> str:
    """The spread between seeds, of the recipes in the precision that is chosen on the machine of the results."""
    rows = [row for row in results["rows"] if row["seeds"] and row["precision"] == results["chosen_precision"]]
    return markdown(
        ("recipe", "epochs", "mean ± sd", "lowest", "highest"),
        [
            (row["recipe"], row["epochs"], score(row), *(f"{f(row['test_accuracies']):.2f} %" for f in (min, max)))
            for row in rows
        ],
    )


def pooling(results: dict) -> str:
    """The article's network and ours, both by plain Keras."""
    rows = [row for row in results["rows"] if row["what"] == "fit"]
    return markdown(
        ("network", "images a second", "seconds an epoch"),
        [(row["network"], f"{row['images_per_second']:,}", f"{row['seconds_per_epoch']:.1f}") for row in rows],
    )


def sizes(results: dict) -> str:
    """Images a second and size, of every row."""
    return markdown(
        ("", "precision", "images a second", "parameters", "weights"),
        [
            (
                contestant(row),
                _BITS[row["precision"]],
                f"{row['images_per_second']:,}",
                f"{row['parameters']:,}",
                f"{row['weights_mb']:.1f} MB",
            )
            for row in results["rows"]
        ],
    )


def scaling(results: dict) -> str:
    """How time and memory grow with the number of training images."""
    return markdown(
        ("images", "seconds an epoch", "peak memory"),
        [
            (f"{row['images']:,}", f"{row['seconds_per_epoch']:.2f}", f"{row['peak_mb']:,} MB")
            for row in results["scaling"]
        ],
    )


def views(results: dict) -> str:
    """How long the views of notebooks 04 to 06 take to respond."""
    found = results["views"]
    rows = [(f"{view}, in the kernel", f"{time:.1f} ms") for view, time in found["kernel"].items()]
    rows += [
        ("prediction browser, from key to picture in Chromium", f"{found['key_to_picture_ms']} ms"),
        ("drawing pad, from pen to answer in Chromium", f"{found['pen_to_answer_ms']} ms"),
        ("notebook 06 opened, all cells run and the slider moved", f"{found['notebook_06_opened_s']} s"),
    ]
    return markdown(("", "median"), rows)


def conditions(results: dict) -> str:
    """Where and when."""
    versions = ", ".join(f"{name} {number}" for name, number in results["versions"].items())
    return (
        f"Measured on {results['date']} (accuracies: {results.get('accuracies_of', results['date'])}) on "
        f"{results['machine']}, with {versions}. Importing the package takes {results['import_seconds']} s."
    )


def badge(results: dict, urls: dict[str, str] | None = None) -> str:
    """What launches the repository on Binder, at the address in pyproject.toml; nothing before there is one."""
    if urls is None:
        urls = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"].get("urls", {})
    image = "[![Launch on Binder](https://mybinder.org/badge_logo.svg)]"
    return "\n".join(f"{image}({binder(url)})" for name, url in urls.items() if name == "Repository")


def binder(repository: str) -> str:
    """Where Binder launches a repository on GitHub, at the first notebook."""
    owner_and_name = repository.removeprefix("https://github.com/")
    return f"https://mybinder.org/v2/gh/{owner_and_name}/HEAD?urlpath=lab/tree/notebooks/01_data_loading.ipynb"


PLACED = (badge, recipes, all_recipes, seeds, pooling, sizes, scaling, views, conditions)
TABLES = {table.__name__: table for table in PLACED}


def contestant(row: dict) -> str:
    return f"{row['recipe']}, {_HOW[row['what']]}"


def score(row: dict) -> str:
    """The accuracy over seeds, or nothing for a row that was trained for its speed only."""
    if not row["seeds"]:
        return ""
    return f"{row['test_accuracy_mean']:.2f} ± {row['test_accuracy_sd']:.2f} % ({row['seeds']} seeds)"


def markdown(head: tuple, rows: list[tuple]) -> str:
    """A table whose first column is left-aligned and the others right-aligned."""
    lines = [head, ("---", *["---:"] * (len(head) - 1)), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


if __name__ == "__main__":
    write_tables(json.loads((ROOT / "benchmarks" / "results.json").read_text(encoding="utf-8")))
