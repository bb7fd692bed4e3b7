"""The package behind nine notebooks that lead from raw pixels to a convolutional network on MNIST.

pyproject.toml says which module may import which. What the notebooks and the README import checks
its arguments: it raises TypeError for one of another type, and ValueError for one of another shape,
dtype or range. Docstrings list only the other errors.
"""
