"""What studies find: the file of their results, and how to compare recipes by it."""

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
from scipy import stats

from mnist_cnn.arguments import check_choice
from mnist_cnn.exceptions import StudyError
from mnist_cnn.recipes import Settings
from mnist_cnn.runs import MadeWith

Scores = dict[str, dict[int, float]]
"""Accuracies in percent, by recipe and seed."""


@dataclass(frozen=True)
class Result:
    """What a recipe reached with one seed after the last epoch: a line in the file of results."""

    settings: Settings
    # The rest of what the weights depend on: network, source of the images, device, versions
    made_with: MadeWith
    val_accuracy: float  # in 0..1
    test_accuracy: float  # in 0..1
    seconds: float  # of training, with validation
    # Processor and threads: others change the last bits, but it is still the same seed
    where: dict[str, str | int]

    @property
    def key(self) -> str:
        """What makes two results the same one."""
        return result_key(self.settings, self.made_with)


def result_key(settings: Settings, made_with: MadeWith) -> str:
    """The key of the result that a training with these settings will have."""
    return digest(json.dumps([asdict(settings), made_with], sort_keys=True))


def run_name(settings: Settings, key: str) -> str:
    """The name of the run that the training of a result with this key leaves."""
    return f"study-{settings.recipe}-{settings.seed}-{key}"


def digest(text: str) -> str:
    """The fingerprint of a text, in 16 characters."""
    return sha256(text.encode()).hexdigest()[:16]


def load_results(file: str | os.PathLike[str]) -> list[Result]:
    """Load the results in a file; lines that cannot be read are left out, and named on stderr.

    Raises:
        FileNotFoundError: there is no such file.
        StudyError: it has lines, but none can be read.
    """
    results: dict[str, Result] = {}
    damaged = []
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
    for message in damaged:
        print(message, file=sys.stderr)
    return list(results.values())


def save_result(file: Path, result: Result) -> None:
    """Append a result to a file, as a line of its own even if the line before was not finished."""
    with file.open("ab+") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - 1))
        is_unfinished = stream.read() not in (b"", b"\n")
        line = json.dumps(asdict(result)) + "\n"
        stream.write((f"\n{line}" if is_unfinished else line).encode())
        stream.flush()
        os.fsync(stream.fileno())


def collect_scores(results: Iterable[Result], images: str = "validation") -> Scores:
    """Collect the accuracies in percent, by recipe and seed.

    Results are not mixed if anything but the seed differs; then the name of their recipe is
    followed by what does.

    Args:
        results: of one study, or of several.
        images: "validation", by which to choose, or "test", to report.
    """
    check_choice("images", images, ("validation", "test"))
    # By everything but the seed that defines a result
    groups: dict[frozenset[tuple[str, object]], dict[int, float]] = defaultdict(dict)
    for result in results:
        accuracy = result.test_accuracy if images == "test" else result.val_accuracy
        conditions = frozenset(_conditions(result).items())
        groups[conditions][result.settings.seed] = 100 * accuracy
    scores: Scores = {}
    for conditions, by_seed in groups.items():
        recipe = dict(conditions)["recipe"]
        others = [other for other in groups if dict(other)["recipe"] == recipe]
        shared = frozenset.intersection(*others)
        differing = [_in_words(name, value) for name, value in sorted(conditions - shared, key=str)]
        scores[", ".join([str(recipe), *differing])] = dict(sorted(by_seed.items()))
    return scores


def _conditions(result: Result) -> dict[str, object]:
    """Everything but the seed that defines a result, by its name."""
    settings, made_with = asdict(result.settings), dict(result.made_with)
    del settings["seed"]
    # Both have a `data`: the fingerprint of the training images, and where they came from
    images = {"training images": settings.pop("data"), "data": made_with.pop("data")}
    versions = made_with.pop("versions")
    return settings | images | versions | made_with


def _in_words(name: str, value: object) -> str:
    if name == "training images":
        return f"{name} {str(value)[:8]}"  # enough to tell them apart
    return f"{name} {value}"


def summarize(scores: Scores) -> str:
    """The mean of each recipe, with its spread, and the difference of each two.

    Means are in percent, followed by the standard deviation and Student's 95 % interval; of two
    recipes stands what `compare` says.
    """
    width = max(map(len, scores))
    lines = [f"{name:{width}}  {_summarize_one(by_seed)}" for name, by_seed in scores.items()]
    for first, second in combinations(scores, 2):
        lines.append(f"{second} minus {first}: {compare(scores, second, first)}")
    return "\n".join(lines)


def _summarize_one(by_seed: dict[int, float]) -> str:
    values = np.array(list(by_seed.values()))
    if len(values) == 1:
        return f"mean {values.mean():.3f} (1 seed)"
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    return (
        f"mean {values.mean():.3f} ± {values.std(ddof=1):.3f} %, "
        f"95 % interval {low:.3f} to {high:.3f} ({len(values)} seeds)"
    )


def compare(scores: Scores, name: str, other: str) -> str:
    """The mean difference of two recipes over the seeds that both have, with its 95 % interval.

    In percentage points, by the paired t test; p is the probability of a mean at least this far
    from 0 if there were no difference.
    """
    seeds = sorted(scores[name].keys() & scores[other].keys())
    if len(seeds) < 2:
        return f"too few seeds of both ({len(seeds)})"
    mine = [scores[name][seed] for seed in seeds]
    others = [scores[other][seed] for seed in seeds]
    test = stats.ttest_rel(mine, others)
    low, high = test.confidence_interval(0.95)
    difference = np.mean(mine) - np.mean(others)
    return (
        f"{difference:+.3f}, 95 % interval {low:+.3f} to {high:+.3f}, "
        f"p = {test.pvalue:.2g} ({len(seeds)} pairs)"
    )
