"""Exercises of the notebooks: check an answer, and say at once what is wrong with a wrong one."""

from mnist_cnn.exercises.checks import array, function, network, number

__all__ = ["array", "function", "network", "number"]
