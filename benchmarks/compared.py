"""List what is compared: recipes, rungs of notebook 08's ladder, and rows of the speed table."""

from importlib.util import find_spec
from typing import NamedTuple

# The recipes of the main study (`make study`) and of the speed table
STUDY_RECIPES = ("relu", "leaky_relu", "improved", "short")

# The rungs of notebook 08's ladder, from the bottom: each recipe adds to the one before. "article"
# is no recipe, but stands for the article's network, trained by plain Keras.
RUNGS = (
    "dense",
    "article",
    "pooled",
    "scheduled",
    "smoothed",
    "normalized",
    "improved",
    "averaged",
)


class Contestant(NamedTuple):
    """A row of the speed table: who trains what, in which precision.

    Attributes:
        trainer: "fit" for plain Keras, called as in the article; "train" for this package; "torch"
            for PyTorch.
        recipe: The name of a recipe; for plain Keras that of a network, which may be "article".
        precision: "float32" or "mixed_bfloat16".
    """

    trainer: str
    recipe: str
    precision: str


# The article's network, with which all others are compared
BASELINE = Contestant("fit", "article", "float32")


def contestants(chosen_precision: str) -> list[Contestant]:
    """List all rows of the speed table, with PyTorch if it is installed.

    Args:
        chosen_precision: The precision in which this machine trains by default. Our recipes are
            measured in it and in float32.
    """
    rows = [BASELINE, Contestant("fit", "relu", "float32")]
    if find_spec("torch"):
        rows.append(Contestant("torch", "relu", "float32"))
    for recipe in STUDY_RECIPES:
        rows.append(Contestant("train", recipe, "float32"))
        if chosen_precision != "float32":
            rows.append(Contestant("train", recipe, chosen_precision))
    return rows
