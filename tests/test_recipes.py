"""Recipes: what they refuse, and the batch size that follows from the images."""

import os

import pytest

from fresh_python import printed_by_python
from mnist_cnn.recipes import Recipe, choose_batch_size


def test_recipes_can_be_looked_up_without_keras() -> None:
    """So that PyTorch is timed in a process without TensorFlow."""
    code = (
        "import sys; from mnist_cnn.recipes import RECIPES; print('keras' in sys.modules, RECIPES)"
    )
    assert printed_by_python(code, dict(os.environ)).startswith("False {'relu': Recipe(")


def test_an_unknown_schedule_is_refused_where_the_recipe_is_made() -> None:
    with pytest.raises(ValueError, match="schedule must be one of cosine, constant; not 'cosin'"):
        Recipe("dense", schedule="cosin")


@pytest.mark.parametrize(
    "images, expected", [(100, 32), (4_000, 32), (5_000, 32), (5_001, 128), (60_000, 128)]
)
def test_the_batch_size_follows_from_the_number_of_images(images: int, expected: int) -> None:
    assert choose_batch_size(images) == expected
