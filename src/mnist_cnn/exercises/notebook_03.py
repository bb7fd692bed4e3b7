"""Exercises of notebook 03, on LeakyReLU."""

import numpy as np

from mnist_cnn.exercises.kinds import Exercise, Function, Mistake, Number

# Two of the five units, in columns 1 and 3, respond to none of the six images
_OUTPUTS = np.array(
    [
        [0.0, 0.0, 1.0, -1.0, 0.0],
        [1.0, 0.0, 0.0, -1.0, 0.0],
        [0.0, 0.0, 0.0, -1.0, 1.0],
        [0.0, 0.0, 1.0, -1.0, 0.0],
        [0.0, 0.0, 0.0, -1.0, 0.0],
        [0.0, 0.0, 0.0, -1.0, 1.0],
    ]
)

EXERCISES: dict[str, Exercise] = {
    "silent units": Function(
        inputs=[(_OUTPUTS,), (_OUTPUTS[:3],)],
        right=lambda outputs: np.sum((outputs <= 0).all(axis=0)),
        mistakes=[
            Mistake(
                "those are silent on one image or more; we want all",
                lambda outputs: np.sum((outputs <= 0).any(axis=0)),
            ),
            Mistake(
                "those are images to which no unit responds",
                lambda outputs: np.sum((outputs <= 0).all(axis=1)),
            ),
            Mistake(
                "those are all zeros of the table",
                lambda outputs: np.sum(outputs <= 0),
            ),
            Mistake(
                "those are the units that do respond",
                lambda outputs: np.sum((outputs > 0).any(axis=0)),
            ),
        ],
    ),
    "leaky unit": Number(
        right=-0.3,
        figures=3,
        mistakes=[
            Mistake("that is ReLU; LeakyReLU lets a tenth through", 0),
            Mistake("its size is right, but a tenth of a negative number is negative", 0.3),
            Mistake("that is no activation at all", -3),
            Mistake(
                "that is with a slope of 0.3, which Keras takes if you give none; here it is 0.1",
                -0.9,
            ),
        ],
    ),
    "leaky slope": Function(
        inputs=[(np.array([-2.0, -0.5, 0.5, 3.0]), 0.1), (np.array([4.0, -4.0]), 0.3)],
        right=lambda x, slope: np.where(x > 0, 1, slope),
        mistakes=[
            Mistake(
                "those are the values of the function; its slope is how fast they rise",
                lambda x, slope: np.where(x > 0, x, slope * x),
            ),
            Mistake(
                "that is the slope of ReLU; below 0 LeakyReLU still rises",
                lambda x, slope: np.where(x > 0, 1, 0),
            ),
            Mistake(
                "below 0 the function is negative, but it still rises",
                lambda x, slope: np.where(x > 0, 1, -slope),
            ),
            Mistake(
                "slope times x rises by slope, whatever x is",
                lambda x, slope: np.where(x > 0, 1, slope * x),
            ),
        ],
    ),
    "smallest slope": Number(
        right=0.01,
        figures=3,
        mistakes=[
            Mistake(
                "with this slope the unit gets there, but it also does with a smaller one", 0.1
            ),
            Mistake(
                "with this slope the unit gets there, but it also does with a smaller one", 0.02
            ),
            Mistake("with this slope the error is still large after 3,000 steps", 0.005),
            Mistake("that is ReLU, which has not moved at all", 0),
        ],
    ),
}
