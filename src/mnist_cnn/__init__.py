"""The package behind six notebooks that lead from raw pixels to a convolutional network on MNIST.

The modules follow the notebooks: data, models, recipes, runs, training, evaluation, plots, drawing and views. Which one
may import which is written in pyproject.toml, and `make check` enforces it. Public functions check their arguments and
raise ValueError for a wrong one (TypeError where a whole number is needed); docstrings list only the other errors.
"""
