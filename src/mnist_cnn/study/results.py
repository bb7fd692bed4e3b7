"""What studies find: the file of their results, and statistics that compare recipes by them."""

import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from scipy import stats

from mnist_cnn.arguments import check_choice
from mnist_cnn.environment import ResultEnvironment
from mnist_cnn.exceptions import StudyError
from mnist_cnn.recipes import Settings

_Definition = frozenset[tuple[str, object]]  # names and values


@dataclass(frozen=True)
class Result:
    """What a recipe reached with one seed after the last epoch: a line in the file of results.

    Attributes:
        settings: What defines the training.
        environment: The rest of what the weights depend on: source of the images, device, backend,
            versions, and the fingerprint of the layers.
        val_accuracy: On the validation images, in 0..1.
        test_accuracy: On the test images, in 0..1.
        seconds: Time of training, with validation.
        where: Processor and threads. Others change the last bits, but it is still the same seed.
    """

    settings: Settings
    environment: ResultEnvironment
    val_accuracy: float
    test_accuracy: float
    seconds: float
    where: dict[str, str | int]

    @property
    def key(self) -> str:
        """What makes two results the same one."""
        return result_key(self.settings, self.environment)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as it stands in files, where the environment is called `made_with`."""
        entry = asdict(self)
        entry["settings"] = self.settings.to_dict()
        entry["made_with"] = entry.pop("environment")
        return entry

    @classmethod
    def from_dict(cls, entry: dict[str, Any]) -> Self:
        """Make a result of what `to_dict` returned."""
        others = {name: entry[name] for name in entry if name not in ("settings", "made_with")}
        settings = Settings.from_dict(entry["settings"])
        return cls(settings, entry["made_with"], **others)


@dataclass(frozen=True)
class Group:
    """The accuracies of results that differ in nothing but the seed.

    Attributes:
        recipe: The name of their recipe.
        differing: Settings, versions and the like that set them apart from other groups of the
            same recipe, by name; empty if there is no other group.
        accuracies: Accuracies in percent, by seed.
    """

    recipe: str
    differing: dict[str, object]
    accuracies: dict[int, float]

    @property
    def label(self) -> str:
        """The recipe, and what sets the group apart: "relu", or "relu, precision float32"."""
        differences = [_in_words(name, value) for name, value in self.differing.items()]
        return ", ".join([self.recipe, *differences])


def _in_words(name: str, value: object) -> str:
    if name == "fingerprint":
        return f"training images {str(value)[:8]}"  # enough to tell them apart
    return f"{name} {value}"


def result_key(settings: Settings, environment: ResultEnvironment) -> str:
    """Compute the key of the result that a training run will have."""
    return digest(json.dumps([settings.to_dict(), environment], sort_keys=True))


def run_name(settings: Settings, key: str) -> str:
    """The name of the run that the training of a result with this key leaves."""
    return f"study-{settings.recipe}-{settings.seed}-{key}"


def digest(text: str) -> str:
    """The fingerprint of a text, in 16 characters."""
    return sha256(text.encode()).hexdigest()[:16]


def load_results(file: str | os.PathLike[str]) -> list[Result]:
    """Load the results in a file; lines that cannot be read are left out, and named on stderr.

    Raises:
        FileNotFoundError: There is no such file.
        StudyError: It has lines, but none can be read.
    """
    results: dict[str, Result] = {}
    damaged = []
    content = Path(os.path.expanduser(file)).read_bytes()
    for number, line in enumerate(content.splitlines(), 1):
        try:
            result = Result.from_dict(json.loads(line))
            results.setdefault(result.key, result)
        except (ValueError, TypeError, KeyError) as error:
            damaged.append(
                f"Line {number} of {file} is left out: it is not a result of this version "
                f"({error})."
            )
    if damaged and not results:
        raise StudyError(
            f"{file} is not a results file: none of its lines is a result of this version."
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
        line = json.dumps(result.to_dict()) + "\n"
        stream.write((f"\n{line}" if is_unfinished else line).encode())
        stream.flush()
        os.fsync(stream.fileno())


def group_results(results: Iterable[Result], images: str = "validation") -> list[Group]:
    """Group results that differ in nothing but the seed, so that nothing else is mixed.

    Args:
        results: The results of one study, or of several.
        images: "validation", by which to choose, or "test", to report.
    """
    check_choice("images", images, ("validation", "test"))
    collected: dict[str, dict[_Definition, dict[int, float]]] = defaultdict(
        lambda: defaultdict(dict)
    )
    for result in results:
        accuracy = result.test_accuracy if images == "test" else result.val_accuracy
        accuracies = collected[result.settings.recipe][_definition(result)]
        accuracies.setdefault(result.settings.seed, 100 * accuracy)  # as `load_results` does
    groups = []
    for recipe, by_definition in collected.items():
        shared = frozenset.intersection(*by_definition)
        for definition, accuracies in by_definition.items():
            differing = dict(sorted(definition - shared))
            groups.append(Group(recipe, differing, dict(sorted(accuracies.items()))))
    return groups


def _definition(result: Result) -> _Definition:
    """Everything that defines a result but its recipe's name and seed."""
    settings = asdict(result.settings)
    environment: dict[str, Any] = dict(result.environment)
    del settings["recipe"], settings["seed"]
    versions = environment.pop("versions")
    return frozenset((settings | versions | environment).items())


def summarize(groups: Sequence[Group]) -> str:
    """The mean of each group, with its spread, and the difference of each two.

    Means are in percent, followed by the standard deviation and Student's 95 % interval; pairs
    of groups are compared by `compare`.
    """
    width = max((len(group.label) for group in groups), default=0)
    lines = [f"{group.label:{width}}  {_summarize_one(group)}" for group in groups]
    for first, second in combinations(groups, 2):
        difference = compare(second, first)
        description = "too few different pairs of seeds" if difference is None else difference
        lines.append(f"{second.label} minus {first.label}: {description}")
    comparisons = len(groups) * (len(groups) - 1) // 2
    if comparisons > 1:
        lines.append(f"(The p values are not corrected for {comparisons} comparisons.)")
    return "\n".join(lines)


def _summarize_one(group: Group) -> str:
    values = np.array(list(group.accuracies.values()))
    if len(values) == 1:
        return f"mean {values.mean():.3f} % (1 seed)"
    if np.ptp(values) == 0:
        return f"{values[0]:.3f} % with each of {len(values)} seeds"
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    return (
        f"mean {values.mean():.3f} ± {values.std(ddof=1):.3f} %, "
        f"95 % interval {low:.3f} to {high:.3f} ({len(values)} seeds)"
    )


class PairedDifference(NamedTuple):
    """How much better one group is than another, over the seeds that both have.

    Attributes:
        mean: The mean difference, in percentage points.
        low: Lower end of its 95 % interval, by the paired t test.
        high: Upper end of that interval.
        pvalue: The probability of a mean at least this far from 0 if there were no difference.
        n: How many seeds both have.
    """

    mean: float
    low: float
    high: float
    pvalue: float
    n: int

    def __str__(self) -> str:
        return (
            f"{self.mean:+.3f}, 95 % interval {self.low:+.3f} to {self.high:+.3f}, "
            f"p = {self.pvalue:.2g} ({self.n} pairs)"
        )


def compare(group: Group, other: Group) -> PairedDifference | None:
    """Compare two groups, seed by seed.

    Returns:
        The difference; None if there is no test, as they have fewer than two seeds in common, or
        the same difference with each.
    """
    seeds = sorted(group.accuracies.keys() & other.accuracies.keys())
    ours = np.array([group.accuracies[seed] for seed in seeds])
    theirs = np.array([other.accuracies[seed] for seed in seeds])
    if len(seeds) < 2 or np.allclose(ours - theirs, ours[0] - theirs[0], rtol=0, atol=1e-9):
        return None
    test = stats.ttest_rel(ours, theirs)
    low, high = test.confidence_interval(0.95)
    mean = float(np.mean(ours) - np.mean(theirs))
    return PairedDifference(mean, float(low), float(high), float(test.pvalue), len(seeds))
