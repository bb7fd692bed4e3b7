"""Measure how accurate five networks are together: `python benchmarks/ensembles.py`.

The rules were fixed before any training: the members are trained with the recipe "averaged"; seeds
0 to 4 form the first ensemble, 5 to 9 the second, and so on; and an ensemble's prediction is the
mean of its members' probabilities.

Each ensemble gets a line in ensembles.jsonl as soon as its five runs are in ladder.jsonl and
their runs in `runs/`, or in the folder that MNIST_CNN_RUNS names. Ensembles with a line are not
measured again.
"""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mnist_cnn.data import load_images, split_validation
from mnist_cnn.folders import runs_folder
from mnist_cnn.models import predict
from mnist_cnn.runs import Run, load_run
from mnist_cnn.study.results import Result, load_results, run_name
from schema import EnsembleResult

RECIPE = "averaged"
MEMBERS = 5
ENSEMBLES = 5
FILE = Path(__file__).with_name("ensembles.jsonl")
LADDER = Path(__file__).with_name("ladder.jsonl")


def member_seeds(number: int) -> range:
    """The seeds of an ensemble's members; ensembles are numbered from 0."""
    return range(MEMBERS * number, MEMBERS * (number + 1))


def study_run_file(result: Result, folder: Path) -> Path:
    """The file in which a study keeps the run that led to a result."""
    return folder / f"{run_name(result.settings, result.key)}.npz"


def load_members(number: int) -> list[Run]:
    """Load the runs of an ensemble's members, as far as they exist."""
    results = {
        result.settings.seed: result
        for result in load_results(LADDER)
        if result.settings.recipe == RECIPE
    }
    seeds = [seed for seed in member_seeds(number) if seed in results]
    files = [study_run_file(results[seed], runs_folder()) for seed in seeds]
    return [load_run(file) for file in files if file.exists()]


class Scores(NamedTuple):
    """How an ensemble does on a collection of images.

    Attributes:
        members: The accuracy of each member, in 0..1.
        accuracy: The accuracy of the ensemble, in 0..1.
        agree: The share of the images on which all members agree, in 0..1.
        agree_and_wrong: The number of these images on which they are wrong.
    """

    members: list[float]
    accuracy: float
    agree: float
    agree_and_wrong: int


def measure(members: list[Run]) -> EnsembleResult:
    """Measure an ensemble, whose members left these runs, on the validation and test images."""
    dataset = load_images(source="full")
    _, (x_val, y_val) = split_validation(dataset.x_train, dataset.y_train)
    val = measure_on(members, x_val, y_val)
    test = measure_on(members, dataset.x_test, dataset.y_test)
    return {
        "seeds": [run.settings.seed for run in members],
        "val_members": val.members,
        "val_accuracy": val.accuracy,
        "val_agree": val.agree,
        "val_agree_and_wrong": val.agree_and_wrong,
        "test_members": test.members,
        "test_accuracy": test.accuracy,
        "test_agree": test.agree,
        "test_agree_and_wrong": test.agree_and_wrong,
    }


def measure_on(members: list[Run], images: np.ndarray, labels: np.ndarray) -> Scores:
    """Measure an ensemble on some images.

    Args:
        members: The runs of the ensemble's members.
        images: Images, uint8 (n, 28, 28) in 0..255.
        labels: Labels, integers (n,) in 0..9.
    """
    probabilities = np.stack([predict(run.load_model(), images) for run in members])
    predicted_alone = probabilities.argmax(axis=2)  # (members, images)
    predicted_together = probabilities.mean(axis=0).argmax(axis=1)
    agree = (predicted_alone == predicted_alone[0]).all(axis=0)
    wrong = predicted_together != labels
    alone = (predicted_alone == labels).mean(axis=1)
    return Scores(
        members=np.round(alone, 4).tolist(),
        accuracy=round(float((~wrong).mean()), 4),
        agree=round(float(agree.mean()), 4),
        agree_and_wrong=int((agree & wrong).sum()),
    )


def main() -> None:
    """Measure the ensembles that are not yet in ensembles.jsonl."""
    lines = FILE.read_text().splitlines() if FILE.exists() else []
    done = [json.loads(line)["seeds"] for line in lines]
    for number in range(ENSEMBLES):
        if list(member_seeds(number)) in done:
            continue
        members = load_members(number)
        if len(members) < MEMBERS:
            print(f"ensemble {number + 1}: {len(members)} of {MEMBERS} runs are here")
            continue
        measured = measure(members)
        with FILE.open("a") as stream:
            stream.write(f"{json.dumps(measured)}\n")
        print(f"seeds {measured['seeds']}: {measured['test_accuracy']:.2%}")


if __name__ == "__main__":
    main()
