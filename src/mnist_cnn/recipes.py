"""How to train: the recipes, and the settings that follow from them (notebook 04)."""

from dataclasses import asdict, dataclass, replace
from operator import index

from mnist_cnn.checks import check_choice
from mnist_cnn.data import Images
from mnist_cnn.device import choose_precision
from mnist_cnn.models import PRECISIONS


@dataclass(frozen=True)
class Recipe:
    """How to train; everything else is the same for all."""

    network: str  # a name that `build_model` knows
    epochs: int = 20  # as in the article
    learning_rate: float = 1.5e-3  # at the start
    schedule: str = "cosine"  # the rate falls to zero along half a cosine; or "constant"
    # Of Adam: its mean of squared gradients reaches back over 1 / (1 - beta_2) steps
    beta_2: float = 0.999
    # How much of itself, times the learning rate, each weight loses in a step
    weight_decay: float = 0.0
    # Whether to rotate, scale, shear and shift each image a little, differently in each epoch
    augment: bool = False
    label_smoothing: float = 0.0  # how much of each label is spread evenly over the ten digits
    # Each epoch ends with a running average of the weights, over 1 / (1 - averaging) steps
    averaging: float = 0.0


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
    """A recipe, and everything else that defines a run: with the same settings a machine trains the
    same weights.
    """

    recipe: str  # its name
    batch_size: int
    precision: str  # "float32" or "mixed_bfloat16"
    seed: int
    data: str  # the fingerprint of the digits


def choose_settings(
    recipe: str, digits: Images, epochs: int | None, seed: int, precision: str | None
) -> Settings:
    """Complete a recipe to the settings of a run; the arguments are those of `train`."""
    check_choice("recipe", recipe, RECIPES)
    precision = precision or choose_precision()
    check_choice("precision", precision, PRECISIONS)
    settings = asdict(RECIPES[recipe]) | {
        "recipe": recipe,
        "precision": precision,
        "seed": index(seed),
    }
    settings |= {} if epochs is None else {"epochs": index(epochs)}
    if settings["epochs"] < 1 or not 0 <= seed < 2**32:
        raise ValueError(
            f"epochs must be at least 1, and the seed in 0..2**32 - 1, not {epochs} and {seed}"
        )
    return Settings(
        **settings, batch_size=choose_batch_size(len(digits.x_train)), data=digits.fingerprint
    )


def choose_batch_size(images: int) -> int:
    """How many images go into a step: 128, but 32 of up to 5,000 images, or there would be too few
    steps.
    """
    return 32 if images <= 5_000 else 128
