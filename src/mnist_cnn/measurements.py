"""What was measured for these notebooks: the accuracies and training times of the recipes.

`make tables` writes measured.json from the files in benchmarks/, where each training run has a line
of its own.
"""

import json
from pathlib import Path

from mnist_cnn.arguments import check_choice

_FILE = Path(__file__).with_name("measured.json")


def load_scores(images: str = "test") -> dict[str, list[float]]:
    """Load the accuracies of all training runs that were measured, each after its last epoch.

    Besides the recipes there are "article", the article's network trained by plain Keras, on the
    test images only; "ensemble", five networks of the recipe "averaged" that decide together; and
    "ensemble members", the mean accuracy of each five.

    Args:
        images: "test" for the 10,000 test images, or "validation" for the 6,000 validation images.

    Returns:
        By name, the accuracies in percent, in the order of the seeds 0, 1, 2 and so on; those of an
        ensemble in the order of its members' seeds, five by five.
    """
    check_choice("images", images, ("test", "validation"))
    scores: dict[str, list[float]] = json.loads(_FILE.read_text("utf-8"))["scores"][images]
    return scores


def load_transfer() -> dict[str, dict[int, list[float]]]:
    """Load what a network in colour gains from one that was trained in grey (notebook 09).

    Returns:
        By the way in which networks were trained, "from scratch", "convolutions frozen",
        "convolutions fine-tuned" or "everything fine-tuned", and by the number of images in colour
        that they were trained on: their accuracies on the test images in colour, in percent, in
        the order of the seeds.
    """
    ways = json.loads(_FILE.read_text("utf-8"))["transfer"]
    return {
        way: {int(number): accuracies for number, accuracies in by_number.items()}
        for way, by_number in ways.items()
    }


def load_times() -> tuple[dict[str, float], str]:
    """Load how long a training run of each recipe takes on two cores.

    Returns:
        Seconds by recipe, extrapolated from three epochs in float32, and the name of the machine on
        which all of them were measured.
    """
    times = json.loads(_FILE.read_text("utf-8"))["times"]
    return times["seconds"], times["machine"]
