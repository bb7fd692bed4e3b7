"""The package behind eight notebooks that lead from raw pixels to a convolutional network on MNIST.

pyproject.toml says which module may import which. Public functions raise ValueError for an invalid
argument, or TypeError where a whole number is needed; their docstrings list only the other errors.
"""
