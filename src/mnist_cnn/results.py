"""What studies find: the results file, and how to compare recipes by it."""

import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from hashlib import sha256
from itertools import combinations
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from scipy import stats

from mnist_cnn.checks import NoTraceback, check_choice
from mnist_cnn.plots import BLUE, RED, subplots
from mnist_cnn.recipes import Settings

Scores = dict[str, dict[int, float]]
"""Accuracies in percent, by recipe and seed."""


class StudyError(NoTraceback, ValueError):
    """A study cannot be read, or cannot go on; the message says why and what to do."""


@dataclass(frozen=True)
class Result:
    """What a recipe reached with one seed, after the last epoch: a line of JSON in the results
    file.
    """

    settings: Settings
    # The rest of what the weights depend on: network, data, device, backend, versions
    made_with: dict
    val_accuracy: float  # in 0..1
    test_accuracy: float  # in 0..1
    seconds: float  # of training, with validation
    where: dict  # processor and threads: others change the last bits, but it is still the same seed

    @property
    def key(self) -> str:
        return result_key(self.settings, self.made_with)


def result_key(settings: Settings, made_with: dict) -> str:
    """What makes two results the same one."""
    return digest(json.dumps([asdict(settings), made_with], sort_keys=True))


def digest(text: str) -> str:
    """A text's fingerprint, of 16 characters."""
    return sha256(text.encode()).hexdigest()[:16]


def load_results(file: str | os.PathLike) -> list[Result]:
    """Load a results file; says on stderr which lines cannot be read, and leaves them out.

    Raises:
        FileNotFoundError: there is no such file.
        StudyError: it has lines, but none can be read.
    """
    results, damaged = {}, []
    content = Path(os.path.expanduser(file)).read_bytes()
    for number, line in enumerate(content.splitlines(), 1):
        try:
            about = json.loads(line)
            result = Result(**about | {"settings": Settings(**about["settings"])})
            results.setdefault(result.key, result)
        except (ValueError, TypeError, KeyError) as error:
            damaged.append(
                f"Line {number} of {file} is left out: it is no result of this version ({error})."
            )
    if damaged and not results:
        raise StudyError(
            f"{file} is not a results file. Its line 1 is no result of this version; nor is any "
            "other."
        )
    print(*damaged, sep="\n", end="\n" * bool(damaged), file=sys.stderr)
    return list(results.values())


def save_result(file: Path, result: Result) -> None:
    """Append a result to a file, as a line of its own even if the line before was not finished."""
    with file.open("ab+") as stream:
        stream.seek(max(0, stream.seek(0, os.SEEK_END) - 1))
        start = "" if stream.read() in (b"", b"\n") else "\n"
        stream.write(f"{start}{json.dumps(asdict(result))}\n".encode())
        stream.flush()
        os.fsync(stream.fileno())


def collect_scores(results: Iterable[Result], images: str = "validation") -> Scores:
    """Collect the accuracies on the "validation" images, by which to choose, or on the "test" images, to report.

    Results are not mixed if anything but the seed differs; then the name of their recipe is
    followed by what does.
    """
    check_choice("images", images, ("validation", "test"))
    groups: dict[frozenset, dict[int, float]] = defaultdict(dict)
    for result in results:
        accuracy = result.test_accuracy if images == "test" else result.val_accuracy
        groups[frozenset(_conditions(result).items())][result.settings.seed] = 100 * accuracy
    scores, found = {}, [dict(group) for group in groups]
    for conditions, by_seed in zip(found, groups.values(), strict=True):
        recipe = conditions["settings", "recipe"]
        others = [each for each in found if each["settings", "recipe"] == recipe]
        differing = [
            _describe(*condition, value)
            for condition, value in sorted(conditions.items(), key=str)
            if any(other.get(condition) != value for other in others)
        ]
        scores[", ".join([recipe, *differing])] = dict(sorted(by_seed.items()))
    return scores


def _conditions(result: Result) -> dict[tuple[str, str], object]:
    """Everything but the seed that defines a result, by where it stands and its name.

    A name alone does not tell: `data` in the settings is the training images, and in `made_with`
    it is where they came from.
    """
    made_with, settings = dict(result.made_with), asdict(result.settings)
    kinds = {"versions": made_with.pop("versions"), "made_with": made_with, "settings": settings}
    del settings["seed"]
    return {(kind, name): value for kind, about in kinds.items() for name, value in about.items()}


def _describe(kind: str, name: str, value: object) -> str:
    """A condition in words; the beginning of a fingerprint is enough to tell images apart."""
    if (kind, name) == ("settings", "data"):
        return f"training images {value:.8}"
    return f"{name} {value}"


def report(scores: Scores) -> str:
    """Each recipe's mean in percent, standard deviation and Student's 95 % interval; and `compare`
    for each two.
    """
    lines, width = [], max(map(len, scores))
    for name, by_seed in scores.items():
        values = np.array(list(by_seed.values()))
        spread = ""
        if len(values) > 1:
            low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
            spread = f" ± {values.std(ddof=1):.3f} %, 95 % interval {low:.3f} to {high:.3f}"
        lines.append(
            f"{name:{width}}  mean {values.mean():.3f}{spread} ({len(values)} seed{'s' * (len(values) > 1)})"
        )
    for first, second in combinations(scores, 2):
        lines.append(f"{second} minus {first}: {compare(scores, second, first)}")
    return "\n".join(lines)


def compare(scores: Scores, name: str, other: str) -> str:
    """The mean difference of two recipes over the seeds that both have, in percentage points, with its 95 % interval.

    By the paired t test; p is the probability of a mean at least this far from 0 if there were no
    difference.
    """
    seeds = sorted(scores[name].keys() & scores[other].keys())
    if len(seeds) < 2:
        return f"too few seeds of both ({len(seeds)})"
    mine, others = ([scores[recipe][seed] for seed in seeds] for recipe in (name, other))
    test = stats.ttest_rel(mine, others)
    low, high = test.confidence_interval(0.95)
    difference = np.mean(mine) - np.mean(others)
    return f"{difference:+.3f}, 95 % interval {low:+.3f} to {high:+.3f}, p = {test.pvalue:.2g} ({len(seeds)} pairs)"


def plot_scores(scores: Scores) -> Figure:
    """Plot each training as a dot, and the mean of each recipe as a red bar."""
    figure, axis = subplots(size=(8, 0.8 + 0.4 * len(scores)))
    for row, by_seed in enumerate(scores.values()):
        values = list(by_seed.values())
        axis.scatter(values, np.full(len(values), row), color=BLUE, alpha=0.5)
        axis.plot(np.mean(values), row, "|", color=RED, markersize=20, markeredgewidth=2.5)
    axis.set(
        yticks=range(len(scores)),
        yticklabels=scores,
        xlabel="accuracy (%)",
        ylim=(len(scores) - 0.5, -0.5),
    )
    return figure
