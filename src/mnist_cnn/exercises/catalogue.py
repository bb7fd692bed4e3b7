"""The catalogue of all exercises, by the names that the notebooks use, in their order."""

from mnist_cnn.exercises import (
    notebook_01,
    notebook_02,
    notebook_03,
    notebook_04,
    notebook_05,
    notebook_06,
    notebook_07,
    notebook_08,
    notebook_09,
)
from mnist_cnn.exercises.kinds import Exercise

EXERCISES: dict[str, Exercise] = {
    **notebook_01.EXERCISES,
    **notebook_02.EXERCISES,
    **notebook_03.EXERCISES,
    **notebook_04.EXERCISES,
    **notebook_05.EXERCISES,
    **notebook_06.EXERCISES,
    **notebook_07.EXERCISES,
    **notebook_08.EXERCISES,
    **notebook_09.EXERCISES,
}
