"""How to train: the recipes, and all settings of a training run (notebook 04).

They are numbers and names only: importing them imports no Keras.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from mnist_cnn.arguments import check_choice

PRECISIONS = ("float32", "mixed_bfloat16")


@dataclass(frozen=True)
class Recipe:
    """How to train; everything else is the same for all.

    Attributes:
        network: A name in `models.NETWORKS`.
        epochs: How often to see every training image; by default as often as in the article.
        learning_rate: The learning rate at the start.
        schedule: "cosine", by which the learning rate falls to zero along half a cosine, or
            "constant".
        beta_2: Adam's beta_2: its mean of squared gradients reaches back over 1 / (1 - beta_2)
            steps.
        weight_decay: How much of itself, times the learning rate, each weight loses in a step.
        augment: Whether to rotate, scale, shear and shift each image a little, differently in each
            epoch.
        label_smoothing: How much of each label is spread evenly over all classes, in 0..1.
        averaging: Each epoch ends with a running average of the weights, over 1 / (1 - averaging)
            steps, from which the next epoch goes on; 0 for no averaging.
    """

    network: str
    epochs: int = 20
    learning_rate: float = 1.5e-3
    schedule: str = "cosine"
    beta_2: float = 0.999
    weight_decay: float = 0.0
    augment: bool = False
    label_smoothing: float = 0.0
    averaging: float = 0.0

    def __post_init__(self) -> None:
        check_choice("schedule", self.schedule, ("cosine", "constant"))


_IMPROVED = Recipe("batch_norm", learning_rate=5e-3, beta_2=0.99, augment=True, label_smoothing=0.1)
RECIPES = {
    "relu": Recipe("relu", weight_decay=0.02),
    "leaky_relu": Recipe("leaky_relu", weight_decay=0.02),
    "improved": _IMPROVED,
    "short": Recipe(
        "small_batch_norm", epochs=3, learning_rate=5e-3, beta_2=0.97, label_smoothing=0.1
    ),
    # What notebook 08 compares them with:
    "dense": Recipe("dense", learning_rate=1e-3, schedule="constant"),
    "pooled": Recipe("relu", learning_rate=1e-3, schedule="constant"),
    "scheduled": Recipe("relu"),
    "smoothed": Recipe("relu", label_smoothing=0.1),
    "permuted": Recipe("permuted", label_smoothing=0.1),
    "normalized": replace(_IMPROVED, augment=False),
    "averaged": replace(_IMPROVED, averaging=0.99),
}


@dataclass(frozen=True, kw_only=True)
class Settings(Recipe):
    """A recipe and everything else that defines a run.

    With the same settings, a machine trains the same weights. It is a recipe itself, so that all
    of it is one flat table, which notebook 04 shows and which two runs are compared by.

    Attributes:
        recipe: The name of the recipe that was completed.
        batch_size: How many images go into a step.
        precision: "float32" or "mixed_bfloat16".
        seed: A whole number in 0..2**32 - 1.
        fingerprint: The SHA-256 of the training images and their labels.
    """

    recipe: str
    batch_size: int
    precision: str
    seed: int
    fingerprint: str

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as they stand in files, where the fingerprint is called `data`."""
        entry = asdict(self)
        entry["data"] = entry.pop("fingerprint")
        return entry

    @classmethod
    def from_dict(cls, entry: dict[str, Any]) -> Self:
        """Make settings of what `to_dict` returned."""
        others = {name: value for name, value in entry.items() if name != "data"}
        return cls(**others, fingerprint=entry["data"])


def choose_batch_size(n_images: int) -> int:
    """How many images go into a step: 128, or 32 of up to 5,000, so that there are enough steps."""
    return 32 if n_images <= 5_000 else 128
