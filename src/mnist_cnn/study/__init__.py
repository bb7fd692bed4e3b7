"""Studies: many seeds of recipes, on one machine or many; `python -m mnist_cnn.study` starts one."""

from mnist_cnn.study.study import run_study

__all__ = ["run_study"]
