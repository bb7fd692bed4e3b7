"""Write what README.md, benchmarks/README.md and the notebooks say of measurements and addresses: `make tables`.

A table is between two comments, `<!-- bench: name -->` and `<!-- end of bench -->`; the name is a
function below. In a code cell the comments start with a `#`, and lines of Python stand between
them. The first cell of each notebook, tagged `setup`, is written here, too: it depends on the
address of the repository.
"""

import json
import re
import statistics
from pathlib import Path

import nbformat

import addresses
from addresses import PROJECT, binder
from bench import RECIPES
from mnist_cnn.study.results import collect_scores, load_results, summarize

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "benchmarks" / "README.md",
    *sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")),
]
PLACE = re.compile(r"(<!-- bench: (\w+) -->\n)(?:.*?\n)??((?:# )?<!-- end of bench -->)", re.DOTALL)

_HOW = {"fit": "plain Keras", "train": "ours", "torch": "PyTorch"}
_BITS = {"float32": "float32", "mixed_bfloat16": "bfloat16"}

_FIRST_CELL = """\
from importlib.util import find_spec

if find_spec("mnist_cnn") is None:
    raise ModuleNotFoundError(
        "This notebook needs the package mnist_cnn:"
        " {}"
        " {}"
    )"""

# The ladder of notebook 08: what each rung adds, and the recipe that has it.
RUNGS = {"dense layers only": "dense", "article": "article", "pooling earlier": "pooled",
         "falling learning rate": "scheduled", "label smoothing": "smoothed", "batch normalization": "normalized",
         "augmentation": "improved", "averaged weights": "averaged"}  # fmt: skip


def load() -> dict:
    """The speeds, the ensembles, and under "test" and "validation" the accuracies in percent, by
    recipe and seed.
    """
    folder = ROOT / "benchmarks"
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    ensembles = (folder / "ensembles.jsonl").read_text(encoding="utf-8").splitlines()
    results |= {"ensembles": list(map(json.loads, ensembles)), "test": {}, "validation": {}}
    for name in ("study.jsonl", "ladder.jsonl"):
        studied = load_results(folder / name)
        for images in ("test", "validation"):
            results[images] |= (scores := collect_scores(studied, images))
        if mixed := [recipe for recipe in scores if ", " in recipe]:
            raise SystemExit(
                f"{name} holds more than one study. Keep the lines of one: {'; '.join(mixed)}"
            )
    return results


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
                is_first = "setup" in cell.metadata.get("tags", ())
                cell.source = first_cell() if is_first else fill(cell.source, results)
            if [cell.source for cell in notebook.cells] != before:
                nbformat.write(notebook, page)


def fill(text: str, results: dict) -> str:
    """Put the tables of these results into their places in a text."""
    return PLACE.sub(lambda place: f"{place[1]}{TABLES[place[2]](results)}\n{place[3]}", text)


def recipes(results: dict) -> str:
    """What a newcomer asks: how good and how fast the article's network is, and what is trained
    here.
    """
    chosen, rows = results["chosen_precision"], by_contestant(results)
    compared = [
        ("fit", "article", "float32"),
        *(("train", recipe, chosen) for recipe in ("relu", "improved", "short")),
    ]
    return markdown(
        ("", "test accuracy, mean ± sd", "time in all", "times as fast"),
        [
            (
                contestant(row),
                score(accuracies(results, row["recipe"])),
                f"{row['seconds_total']:,.0f} s",
                f"{row['ratio_to_article']:.1f}",
            )
            for row in (rows[which] for which in compared)
        ],
    )


def times(results: dict) -> str:
    """What everything that was measured costs."""
    return markdown(
        ("", "precision", "epochs", "per epoch, median", "fastest to slowest", "processor", "in all", "times as fast",
         "by processor", "peak memory"),
        [
            (
                contestant(row),
                _BITS[row["precision"]],
                row["epochs"],
                f"{row['seconds_per_epoch']:.1f} s",
                "{:.1f} to {:.1f} s".format(*row["fastest_and_slowest"]),
                f"{row['processor_seconds_per_epoch']:.1f} s",
                f"{row['seconds_total']:,.0f} s",
                f"{row['ratio_to_article']:.1f}",
                f"{row['ratio_by_processor']:.1f}",
                f"{row['peak_mb']:,} MB",
            )
            for row in results["rows"]
        ],
    )  # fmt: skip


def seeds(results: dict) -> str:
    """The accuracies of everything that was trained with several seeds, and their spread."""
    validation = {"article": results["article"]["validation_mean"]}
    validation |= {
        name: statistics.mean(by_seed.values()) for name, by_seed in results["validation"].items()
    }
    return markdown(
        ("", "test accuracy, mean ± sd", "lowest", "highest", "validation, mean"),
        [
            (
                recipe,
                score(values := accuracies(results, recipe)),
                *(f"{extreme(values):.2f} %" for extreme in (min, max)),
                f"{mean:.2f} %",
            )
            for recipe, mean in validation.items()
        ],
    )


def study(results: dict) -> str:
    """The report of the study on the test images, as `python -m mnist_cnn.study` prints it."""
    return f"```\n{summarize({name: results['test'][name] for name in RECIPES})}\n```"


def scores(results: dict) -> str:
    """The test accuracies, seed by seed, of the recipes that notebook 05 compares: lines of Python."""
    compared = ("relu", "leaky_relu", "improved", "article")
    return python("scores", {recipe: rounded(accuracies(results, recipe)) for recipe in compared})


def validation_scores(results: dict) -> str:
    """Those of the same networks on the validation images; the article's network has others."""
    compared = ("relu", "leaky_relu", "improved")
    return python(
        "scores",
        {recipe: rounded(accuracies(results, recipe, "validation")) for recipe in compared},
    )


def ladder(results: dict) -> str:
    """The test accuracies, seed by seed, of each rung of notebook 08's ladder."""
    return python(
        "ladder",
        {rung: rounded(accuracies(results, recipe)[:10]) for rung, recipe in RUNGS.items()},
    )


def validation_ladder(results: dict) -> str:
    """Those on the validation images; the article's network has others."""
    ours = {rung: recipe for rung, recipe in RUNGS.items() if recipe != "article"}
    return python("validation", {
        rung: rounded(accuracies(results, recipe, "validation")[:10]) for rung, recipe in ours.items()
    })  # fmt: skip


def costs(results: dict) -> str:
    """What a training of each rung costs, in seconds."""
    return python(
        "seconds",
        {rung: round(results["costs"]["seconds"][recipe]) for rung, recipe in RUNGS.items()},
    )


def costs_conditions(results: dict) -> str:
    """Where and when that was measured."""
    return "Measured on {date} on {machine}.".format(**results["costs"])


def permuted(results: dict) -> str:
    """The test accuracies on permuted images, for the same notebook."""
    return f"permuted = {rounded(accuracies(results, 'permuted'))}"


def ensembles(results: dict, images: str = "test", name: str = "ensembles") -> str:
    """Those of ensembles, and the means of their members."""
    found = results["ensembles"]
    return python(name, {
        "alone": rounded([100 * statistics.mean(each[f"{images}_members"]) for each in found]),
        "together": rounded([100 * each[f"{images}_accuracy"] for each in found]),
    })  # fmt: skip


def validation_ensembles(results: dict) -> str:
    """The same on the validation images."""
    return ensembles(results, "val", "validation_ensembles")


def ten_scores(results: dict) -> str:
    """Those of one recipe, for notebook 01."""
    return f"scores = {rounded(accuracies(results, 'relu'))}"


def pooling(results: dict) -> str:
    """The article's network and ours: the speed of both by plain Keras, and the accuracy of each as
    it is trained.
    """
    rows = by_contestant(results)
    return markdown(
        ("network", "images per second", "seconds per epoch", "test accuracy, mean ± sd"),
        [
            (
                name,
                f"{row['images_per_second']:,}",
                f"{row['seconds_per_epoch']:.1f}",
                score(accuracies(results, name)),
            )
            for name, row in ((name, rows["fit", name, "float32"]) for name in ("article", "relu"))
        ],
    )


def sizes(results: dict) -> str:
    """Images a second and size, of every row."""
    return markdown(
        ("", "precision", "images per second", "parameters", "weights"),
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
        ("images", "seconds per epoch", "peak memory"),
        [
            (f"{row['images']:,}", f"{row['seconds_per_epoch']:.2f}", f"{row['peak_mb']:,} MB")
            for row in results["scaling"]
        ],
    )


def views(results: dict) -> str:
    """How long the views take to respond: ready for the next picture on the screen, and drawn."""
    found = results["views"]
    rows = [
        (f"{view}, {where}", *(f"{time:.0f} ms" for time in times))
        for where, name in (("on the site", "site"), ("in JupyterLab", "lab"))
        for view, times in found[name].items()
    ]
    opened = (
        f"With nothing cached, one can draw on the first page after {found['first_page_s']} s. "
        "Notebook 06, opened in JupyterLab in a fresh kernel, has run its cells and moved its "
        f"slider after {found['notebook_06_opened_s']} s."
    )
    heads = f"{found['machine']}, {found['date']}", "ready", "drawn"
    return f"{markdown(heads, rows)}\n\n{opened}"


def conditions(results: dict) -> str:
    """Where and when."""
    versions = ", ".join(f"{name} {number}" for name, number in results["versions"].items())
    return (
        f"Measured on {results['date']} on {results['machine']}, with {versions}. "
        f"Importing the package takes {results['import_seconds']} s."
    )


def badge(results: dict, urls: dict[str, str] | None = None) -> str:
    """What launches the repository on Binder, at the address in pyproject.toml; nothing before
    there is one.
    """
    urls = addresses.urls() if urls is None else urls
    image = "[![Launch on Binder](https://mybinder.org/badge_logo.svg)]"
    return "\n".join(
        f"{image}({binder(url)})" for name, url in urls.items() if name == "Repository"
    )


def site(results: dict, urls: dict[str, str] | None = None) -> str:
    """Where README's first link leads: to the site or, before there is one, to the first notebook."""
    urls = addresses.urls() if urls is None else urls
    if "Repository" not in urls:
        return "[site]: notebooks/01_data_loading.ipynb"
    return f"[site]: {addresses.site(urls['Repository'])}"


def pythons(bounds: str = PROJECT["requires-python"]) -> list[str]:
    """The versions that pyproject.toml allows, as in 3.11."""
    low, high = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", bounds).groups()
    return [f"3.{minor}" for minor in range(int(low), int(high))]


def first_cell(urls: dict[str, str] | None = None) -> str:
    """The first cell of each notebook: without the package it says what to do; on Colab it installs
    the package.
    """
    urls = addresses.urls() if urls is None else urls
    if "Repository" not in urls:
        advice = (
            "open it with `make lab` in the repository, or `pip install`",
            "the repository where its kernel runs.",
        )
        return _FIRST_CELL.format(*advice)
    install = f"%pip install --quiet git+{urls['Repository']}"
    on_colab = f'import sys\n\nif "google.colab" in sys.modules:\n    {install}\n\n'
    return on_colab + _FIRST_CELL.format("install it with", install)


PLACED = (site, badge, recipes, times, seeds, study, scores, validation_scores, ten_scores,
          ladder, validation_ladder, costs, costs_conditions, permuted, ensembles,
          validation_ensembles, pooling, sizes, scaling, views, conditions)  # fmt: skip
TABLES = {table.__name__: table for table in PLACED}


def by_contestant(results: dict) -> dict[tuple[str, str, str], dict]:
    return {(row["what"], row["recipe"], row["precision"]): row for row in results["rows"]}


def contestant(row: dict) -> str:
    return f"{row['recipe']}, {_HOW[row['what']]}"


def accuracies(results: dict, recipe: str, images: str = "test") -> list[float]:
    """In percent, by seed; those of the article's network on the test images only."""
    if recipe == "article":
        return results["article"]["test_accuracies"]
    return list(results[images][recipe].values())


def rounded(values: list[float]) -> list[float]:
    return [round(value, 2) for value in values]


def python(name: str, values: dict) -> str:
    """Numbers, or lists of them, as a dictionary of that name."""
    return "\n".join(
        [f"{name} = {{", *(f'    "{key}": {value},' for key, value in values.items()), "}"]
    )


def score(values: list[float]) -> str:
    return f"{statistics.mean(values):.2f} ± {statistics.stdev(values):.2f} % ({len(values)} seeds)"


def markdown(head: tuple, rows: list[tuple]) -> str:
    """A table whose first column is left-aligned and the others right-aligned."""
    lines = [head, ("---", *["---:"] * (len(head) - 1)), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


if __name__ == "__main__":
    write_tables(load())
