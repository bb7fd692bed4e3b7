"""Turn the results of benchmarks and studies into tables in Markdown and lines of Python.

TABLES holds a function for each named place in README, benchmarks/README and the notebooks.
docs/fill_pages.py puts the texts that these functions return into the places: `make tables`.
"""

import json
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from compared import BASELINE, STUDY_RECIPES, Contestant
from mnist_cnn.exceptions import StudyError
from mnist_cnn.study.results import Group, group_results, load_results, summarize
from schema import (
    BenchmarkResults,
    EnsembleResult,
    Images,
    PageAccuracy,
    PageSpeed,
    Results,
    SpeedResults,
    SpeedRow,
    TransferResult,
    Wait,
)

FOLDER = Path(__file__).parent

_TRAINERS = {"fit": "plain Keras", "train": "ours", "torch": "PyTorch"}
_PRECISIONS = {"float32": "float32", "mixed_bfloat16": "bfloat16"}

# Reading the results


def load_measurements(folder: Path = FOLDER) -> Results:
    """Load everything that was measured.

    Args:
        folder: The folder of results.json and of the files with the ending .jsonl.

    Raises:
        StudyError: A file cannot be read, or holds more than one study.
    """
    benchmarks: BenchmarkResults = json.loads((folder / "results.json").read_text("utf-8"))
    ensembles: list[EnsembleResult] = _load_lines(folder / "ensembles.jsonl")
    transfer: list[TransferResult] = _load_lines(folder / "transfer.jsonl")
    page_accuracies: list[PageAccuracy] = _load_lines(folder / "page_accuracy.jsonl")
    page_speeds: list[PageSpeed] = _load_lines(folder / "page_speed.jsonl")
    waits: list[Wait] = _load_lines(folder / "waits.jsonl")
    studies: dict[Images, dict[str, dict[int, float]]] = {"test": {}, "validation": {}}
    for name in ("study.jsonl", "ladder.jsonl"):
        studied = load_results(folder / name)
        for images, found in studies.items():
            groups = group_results(studied, images)
            if any(group.differing for group in groups):
                labels = "; ".join(group.label for group in groups if group.differing)
                raise StudyError(
                    f"{name} holds more than one study. Keep the lines of one: {labels}"
                )
            found.update({group.recipe: group.accuracies for group in groups})
    return {
        **benchmarks,
        "ensembles": ensembles,
        "transfer": transfer,
        "page_accuracies": page_accuracies,
        "page_speeds": page_speeds,
        "waits": waits,
        "test": studies["test"],
        "validation": studies["validation"],
    }


def _load_lines(file: Path) -> list[Any]:
    """The values in a file that has one on each line, in JSON."""
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def rows_by_contestant(results: SpeedResults) -> dict[Contestant, SpeedRow]:
    """The rows of the speed table by contestant."""
    return {
        Contestant(row["trainer"], row["recipe"], row["precision"]): row for row in results["rows"]
    }


def accuracies(results: Results, recipe: str, images: Images = "test") -> list[float]:
    """The accuracies of a recipe in percent, in the order of the seeds.

    Args:
        results: The measurements, as `load_measurements` returns them.
        recipe: The name of a recipe in the studies, or "article", which has only accuracies on the
            test images.
        images: The images on which the accuracies were measured.
    """
    if recipe == "article":
        if images != "test":
            raise ValueError(
                "of the article's network each seed's test accuracy is known, no other"
            )
        return results["article"]["test_accuracies"]
    return list(results[images][recipe].values())


# Tables of accuracies


def recipe_table(results: Results) -> str:
    """A table of the accuracies and training times of the article's network and our recipes."""
    chosen = results["chosen_precision"]
    compared = [BASELINE]
    compared += [Contestant("train", recipe, chosen) for recipe in ("relu", "improved", "short")]
    rows = rows_by_contestant(results)
    return markdown_table(
        ("", "test accuracy, mean ± sd", "time in all", "times as fast"),
        [
            (
                row_name(contestant),
                mean_and_deviation(accuracies(results, contestant.recipe)),
                f"{rows[contestant]['seconds_total']:,.0f} s",
                f"{rows[contestant]['ratio_to_article']:.1f}",
            )
            for contestant in compared
        ],
    )


def accuracy_table(results: Results) -> str:
    """A table of the accuracies, and their spread, of everything trained with several seeds."""
    validation = {"article": results["article"]["validation_mean"]}
    for recipe in results["validation"]:
        validation[recipe] = statistics.mean(accuracies(results, recipe, "validation"))
    rows = []
    for recipe, validation_mean in validation.items():
        test = accuracies(results, recipe)
        rows.append(
            (
                recipe,
                mean_and_deviation(test),
                f"{min(test):.2f} %",
                f"{max(test):.2f} %",
                f"{validation_mean:.2f} %",
            )
        )
    return markdown_table(
        ("", "test accuracy, mean ± sd", "lowest", "highest", "validation, mean"), rows
    )


def study_report(results: Results) -> str:
    """The report of the study on the test images, as `python -m mnist_cnn.study` prints it."""
    groups = [Group(recipe, {}, results["test"][recipe]) for recipe in STUDY_RECIPES]
    return f"```\n{summarize(groups)}\n```"


def measured(results: Results) -> str:
    """The accuracies and times that the notebooks load, in JSON (mnist_cnn.measurements)."""
    scores = {
        images: {recipe: rounded(accuracies(results, recipe, images)) for recipe in results[images]}
        for images in ("test", "validation")
    }
    scores["test"]["article"] = accuracies(results, "article")
    ensembles = results["ensembles"]
    scores["test"] |= _scores_of_ensembles(
        [each["test_members"] for each in ensembles], [each["test_accuracy"] for each in ensembles]
    )
    scores["validation"] |= _scores_of_ensembles(
        [each["val_members"] for each in ensembles], [each["val_accuracy"] for each in ensembles]
    )
    seconds = {recipe: round(value) for recipe, value in results["costs"]["seconds"].items()}
    times = {"machine": results["costs"]["machine"], "seconds": seconds}
    transfer: dict[str, dict[int, list[float]]] = {}
    for result in results["transfer"]:
        by_number = transfer.setdefault(result["way"], {})
        by_number.setdefault(result["images"], []).append(round(100 * result["test"], 2))
    return json.dumps({"scores": scores, "times": times, "transfer": transfer}, indent=1) + "\n"


def _scores_of_ensembles(
    members: list[list[float]], together: list[float]
) -> dict[str, list[float]]:
    alone_percent = [100 * statistics.mean(each) for each in members]
    together_percent = [100 * accuracy for accuracy in together]
    return {"ensemble members": rounded(alone_percent), "ensemble": rounded(together_percent)}


# Tables of time and memory


SPEED_HEADINGS = (
    "",
    "precision",
    "epochs",
    "per epoch, median",
    "fastest to slowest",
    "processor",
    "in all",
    "times as fast",
    "by processor",
    "peak memory",
)


def speed_table(results: SpeedResults) -> str:
    """A table of what the training of each contestant costs."""
    return markdown_table(
        SPEED_HEADINGS,
        [
            (
                row_name(contestant),
                _PRECISIONS[contestant.precision],
                row["epochs"],
                f"{row['seconds_per_epoch']:.1f} s",
                "{:.1f} to {:.1f} s".format(*row["fastest_and_slowest"]),
                f"{row['processor_seconds_per_epoch']:.1f} s",
                f"{row['seconds_total']:,.0f} s",
                f"{row['ratio_to_article']:.1f}",
                f"{row['ratio_by_processor']:.1f}",
                f"{row['peak_mb']:,} MB",
            )
            for contestant, row in rows_by_contestant(results).items()
        ],
    )


def throughput_table(results: Results) -> str:
    """A table of how many images per second each contestant trains on, and its network's size."""
    return markdown_table(
        ("", "precision", "images per second", "parameters", "weights"),
        [
            (
                row_name(contestant),
                _PRECISIONS[contestant.precision],
                f"{row['images_per_second']:,}",
                f"{row['parameters']:,}",
                f"{row['weights_mb']:.1f} MB",
            )
            for contestant, row in rows_by_contestant(results).items()
        ],
    )


def pooling_table(results: Results) -> str:
    """A table of the speeds and accuracies of the article's network and ours in plain Keras.

    Below it a sentence says on which machine, when and with which precision the speeds were
    measured.
    """
    rows = []
    for network in ("article", "relu"):
        row = rows_by_contestant(results)[Contestant("fit", network, "float32")]
        accuracy = mean_and_deviation(accuracies(results, network))
        speed = f"{row['images_per_second']:,}"
        rows.append((network, speed, f"{row['seconds_per_epoch']:.1f}", accuracy))
    table = markdown_table(
        ("network", "images per second", "seconds per epoch", "test accuracy, mean ± sd"), rows
    )
    return (
        f"{table}\n\n"
        f"The speeds were measured in float32 on {results['date']}; machine: {results['machine']}."
    )


def scaling_table(results: Results) -> str:
    """A table of how time and memory grow with the number of training images."""
    return markdown_table(
        ("images", "seconds per epoch", "peak memory"),
        [
            (f"{row['images']:,}", f"{row['seconds_per_epoch']:.2f}", f"{row['peak_mb']:,} MB")
            for row in results["scaling"]
        ],
    )


def view_table(results: Results) -> str:
    """A table of how long the views take until the next picture is ready, and until it is drawn."""
    found = results["views"]
    rows = []
    for place, views in (("on the site", found["site"]), ("in JupyterLab", found["lab"])):
        for view, (ready, drawn) in views.items():
            rows.append((f"{view}, {place}", f"{ready:.0f} ms", f"{drawn:.0f} ms"))
    table = markdown_table((f"{found['machine']}, {found['date']}", "ready", "drawn"), rows)
    return (
        f"{table}\n\n"
        f"With nothing cached, one can draw on the first page after {found['first_page_s']} s. "
        "Notebook 06, opened in JupyterLab in a fresh kernel, has run its cells and moved its "
        f"slider after {found['notebook_06_opened_s']} s."
    )


def page_accuracy_table(results: Results) -> str:
    """A table of how well networks learn in the page, and with the same settings in Keras."""
    groups: dict[tuple[str, str], list[PageAccuracy]] = {}
    for line in results["page_accuracies"]:
        groups.setdefault((line["case"], line["by"]), []).append(line)
    rows = []
    for (case, by), lines in groups.items():
        training = mean_and_deviation([100 * line["training"] for line in lines])
        validation = mean_and_deviation([100 * line["validation"] for line in lines])
        rows.append((f"{case}, {by}", training, validation))
    return markdown_table(("", "training images", "validation images"), rows)


def page_speed_table(results: Results) -> str:
    """A table of how many images a second libraries train on, slowest first."""
    speeds: dict[str, list[float]] = {}
    for line in results["page_speeds"]:
        speeds.setdefault(line["by"], []).append(line["images_per_second"])
    means = {by: statistics.mean(values) for by, values in speeds.items()}
    slowest = min(means.values(), default=1)
    rows = [
        (
            by,
            f"{means[by]:,.0f}",
            f"{min(speeds[by]):,.0f} to {max(speeds[by]):,.0f}",
            f"{means[by] / slowest:.1f}",
        )
        for by in sorted(means, key=lambda by: means[by])
    ]
    conditions = {(line["machine"], line["date"]) for line in results["page_speeds"]}
    place = "; ".join(f"{machine}, {date}" for machine, date in sorted(conditions))
    return markdown_table((place, "images a second", "lowest to highest", "times as fast"), rows)


def wait_table(results: Results) -> str:
    """A table of how long one waits, and of the kernels' memory, beside an earlier version."""
    values: dict[str, dict[str, list[float]]] = {}
    for line in results["waits"]:
        values.setdefault(line["name"], {}).setdefault(line["version"], []).append(line["value"])
    rows = []
    for name, by_version in values.items():
        unit = "MB" if name.startswith("kernel") else "s"
        earlier, later = (by_version[version] for version in ("earlier", "later"))
        ratios = [after / before for before, after in zip(earlier, later, strict=True)]
        medians = [f"{statistics.median(each):,.4g} {unit}" for each in (earlier, later)]
        rows.append((name, *medians, f"{statistics.median(ratios):.2f}", len(ratios)))
    return markdown_table(("", "earlier", "later", "ratio", "rounds"), rows)


def speed_conditions(results: Results) -> str:
    """A sentence about when, where and with which versions the speeds were measured."""
    versions = ", ".join(f"{name} {number}" for name, number in results["versions"].items())
    return (
        f"Measured on {results['date']} on {results['machine']}, with {versions}. "
        f"Importing the package takes {results['import_seconds']} s."
    )


# The functions that generate the texts, by their own names, which are those of the places
TABLES: dict[str, Callable[[Results], str]] = {
    function.__name__: function
    for function in (
        recipe_table,
        speed_table,
        accuracy_table,
        study_report,
        pooling_table,
        throughput_table,
        scaling_table,
        view_table,
        page_accuracy_table,
        page_speed_table,
        wait_table,
        speed_conditions,
    )
}

# Formatting


def row_name(contestant: Contestant) -> str:
    """The name of a row, as in "relu, plain Keras"."""
    return f"{contestant.recipe}, {_TRAINERS[contestant.trainer]}"


def mean_and_deviation(values: Sequence[float]) -> str:
    """The mean and standard deviation of accuracies in percent, and their number, as a text."""
    mean, deviation = statistics.mean(values), statistics.stdev(values)
    return f"{mean:.2f} ± {deviation:.2f} % ({len(values)} seeds)"


def rounded(values: Sequence[float]) -> list[float]:
    """Accuracies in percent, with the decimals that tell any two of them apart.

    One of 6,000 images is 0.0167 %, and a mean of five networks has steps of a fifth of that.
    """
    return [round(value, 4) for value in values]


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table in Markdown, its first column aligned to the left and the others to the right."""
    lines = [head, ("---", *["---:"] * (len(head) - 1)), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
