"""The package behind eight notebooks that lead from raw pixels to a convolutional network on MNIST.

Which module may import which is in pyproject.toml. Public functions raise ValueError for a wrong
argument (TypeError where a whole number is needed); docstrings list only the other errors.
"""
