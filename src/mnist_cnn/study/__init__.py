"""Studies: many seeds of each recipe, on one machine or many (`python -m mnist_cnn.study`)."""

from mnist_cnn.study.study import run_study

__all__ = ["run_study"]
