"""How good are five networks together? `python benchmarks/ensembles.py` asks the runs that the ladder left.

Fixed before any of them was trained: the members are trained by the recipe "averaged", seeds 0 to 4
are the first ensemble, 5 to 9 the second, and so on; and an ensemble's prediction is the mean of
its members' probabilities. Each ensemble becomes a line in ensembles.jsonl as soon as the runs of
its five lines in ladder.jsonl are in `runs/`, or where MNIST_CNN_RUNS says; what is there is not
measured again.
"""

import json
from pathlib import Path

import numpy as np

from mnist_cnn.data import load_images, split_validation
from mnist_cnn.models import predict
from mnist_cnn.runs import Run, load_run, runs_folder
from mnist_cnn.study.results import load_results

RECIPE, MEMBERS, ENSEMBLES = "averaged", 5, 5
FILE, LADDER = (Path(__file__).with_name(f"{name}.jsonl") for name in ("ensembles", "ladder"))


def load_members(number: int) -> list[Run]:
    """The runs of an ensemble, as far as they are there."""
    trained = {r.settings.seed: r.key for r in load_results(LADDER) if r.settings.recipe == RECIPE}
    seeds = [seed for seed in range(MEMBERS * number, MEMBERS * (number + 1)) if seed in trained]
    files = [runs_folder() / f"study-{RECIPE}-{seed}-{trained[seed]}.npz" for seed in seeds]
    return [load_run(file) for file in files if file.exists()]


def measure(members: list[Run]) -> dict:
    """What they reach on validation and test images, each alone and together, in 0..1; and where
    all agree.
    """
    digits = load_images(source="full")
    _, validation = split_validation(digits.x_train, digits.y_train)
    found = {"seeds": [run.settings.seed for run in members]}
    for name, (images, labels) in {
        "val": validation,
        "test": (digits.x_test, digits.y_test),
    }.items():
        probabilities = np.stack([predict(run.load_model(), images) for run in members])
        guesses, together = probabilities.argmax(axis=2), probabilities.mean(axis=0).argmax(axis=1)
        agree = (guesses == guesses[0]).all(axis=0)
        found |= {
            f"{name}_members": np.round((guesses == labels).mean(axis=1), 4).tolist(),
            f"{name}_accuracy": round(float((together == labels).mean()), 4),
            f"{name}_agree": round(float(agree.mean()), 4),
            f"{name}_agree_and_wrong": int((agree & (together != labels)).sum()),
        }
    return found


def main() -> None:
    """Measure what is not in the file yet."""
    done = (
        [json.loads(line)["seeds"][0] for line in FILE.read_text().splitlines()]
        if FILE.exists()
        else []
    )
    for number in range(ENSEMBLES):
        if MEMBERS * number in done:
            continue
        if len(members := load_members(number)) < MEMBERS:
            print(f"ensemble {number + 1}: {len(members)} of {MEMBERS} runs are here")
        else:
            found = measure(members)
            with FILE.open("a") as stream:
                stream.write(f"{json.dumps(found)}\n")
            print(f"seeds {found['seeds']}: {found['test_accuracy']:.2%}")


if __name__ == "__main__":
    main()
