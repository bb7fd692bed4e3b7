"""Check answers to the exercises of the notebooks, and say at once what is wrong with them."""

from mnist_cnn.exercises.checks import (
    array,
    choice,
    function,
    network,
    number,
    trainer,
    training,
)

__all__ = ["array", "choice", "function", "network", "number", "trainer", "training"]
