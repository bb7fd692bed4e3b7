"""The types of the measurements, and of the files in which they are kept.

A measurement is what a function of jobs.py returns, in a process of its own; bench.py summarizes
measurements in results.json, which tables.py reads.
"""

from typing import Any, Literal, NotRequired, TypedDict

Images = Literal["test", "validation"]
"""The images on which an accuracy was measured."""

Clock = Literal["clock", "processor"]
"""Elapsed time, or the time of all cores together."""

# What the jobs return


class EpochTimes(TypedDict):
    """The time and memory that the first epochs of a training run took."""

    clock: list[float]  # elapsed seconds of each epoch
    processor: list[float]  # seconds of all cores together in each epoch
    peak_mb: int  # the peak of memory, in millions of bytes


class TrainingMeasurement(EpochTimes):
    """What the first epochs of a training run took, and what was trained."""

    epochs: int  # of the whole training, of which a few were timed
    settings: dict[str, Any]  # the fields of the recipe; empty for plain Keras and PyTorch
    parameters: int
    train_images: int  # without those for validation


class ArticleMeasurement(TypedDict):
    """What the article's network reached after the last epoch, in 0..1."""

    precision: str
    validation: float
    test: float


class ImportMeasurement(TypedDict):
    """How long importing the package took."""

    seconds: float


class ViewMeasurement(TypedDict):
    """How fast the views respond."""

    first_page_s: float  # median seconds until one can draw on the first page
    notebook_06_opened_s: float  # median seconds until its cells have run and its slider has moved
    lab: dict[str, list[float]]  # median milliseconds [ready, drawn], by view
    site: dict[str, list[float]]


# The entries of results.json, by the series that measures them


class DateAndMachine(TypedDict):
    """When and where something was measured."""

    date: str
    machine: str


class SpeedRow(TypedDict):
    """What the training of a contestant costs: a row of the speed table."""

    trainer: str
    recipe: str
    precision: str
    settings: dict[str, Any]
    epochs: int
    seconds_per_epoch: float
    fastest_and_slowest: list[float]
    processor_seconds_per_epoch: float
    seconds_total: float
    ratio_to_article: float
    ratio_by_processor: float
    images_per_second: int
    peak_mb: int
    parameters: int
    weights_mb: float


class ScalingRow(TypedDict):
    """What training on this many images costs."""

    images: int
    seconds_per_epoch: float
    peak_mb: int


class SpeedResults(DateAndMachine):
    """How fast everything trains."""

    versions: dict[str, str]
    import_seconds: float
    chosen_precision: str
    rows: list[SpeedRow]
    scaling: list[ScalingRow]


class ArticleAccuracies(TypedDict):
    """The accuracies of the article's network in percent."""

    date: str
    precision: str
    test_accuracies: list[float]  # by seed
    validation_mean: float


class ArticleResults(TypedDict):
    """How accurate the article's network is."""

    article: ArticleAccuracies


class LadderCosts(DateAndMachine):
    """The seconds that a whole training takes, by recipe."""

    seconds: dict[str, float]


class LadderResults(TypedDict):
    """What the rungs of notebook 08's ladder cost."""

    costs: LadderCosts


class ViewSpeeds(DateAndMachine, ViewMeasurement):
    """How fast the views respond, and where."""


class ViewResults(TypedDict):
    """How fast the views respond."""

    views: ViewSpeeds


class BenchmarkResults(SpeedResults, ArticleResults, LadderResults, ViewResults):
    """The content of results.json."""


# Everything together


class EnsembleResult(TypedDict):
    """How accurate an ensemble is: a line of ensembles.jsonl. Accuracies and shares are in 0..1."""

    seeds: list[int]  # of the members
    val_members: list[float]  # the accuracy of each member on the validation images
    val_accuracy: float  # that of the ensemble
    val_agree: float  # the share of the images on which all members agree
    val_agree_and_wrong: int  # the number of these images on which they are wrong
    test_members: list[float]  # and likewise on the test images
    test_accuracy: float
    test_agree: float
    test_agree_and_wrong: int


class TransferResult(TypedDict):
    """How accurate a network is on digits on photographs: a line of transfer.jsonl."""

    way: str  # in which the network was trained, one of transfer.WAYS
    images: int  # to train on
    seed: int
    validation: float  # the accuracy on validation images in colour, in 0..1
    test: float  # and on test images in colour


class PageAccuracy(TypedDict):
    """How well a network learns in the page, or in Keras: a line of page_accuracy.jsonl."""

    by: str  # "the page" or "Keras"
    case: str  # one of page_training.CASES
    seed: int
    training: float  # the accuracy on the images that it learned from, in 0..1
    validation: float  # and on other images
    loss: NotRequired[float]  # on these, in the page; not smoothed
    lowest_loss: NotRequired[float]  # the lowest of those after every thousand images


class PageSpeed(TypedDict):
    """How fast a library trains: a line of page_speed.jsonl."""

    by: str  # one of page_training.CONTESTANTS
    round: int
    images_per_second: float
    machine: str
    date: str


class Wait(TypedDict):
    """How long something takes, or how much memory: a line of waits.jsonl."""

    name: str  # one of waits.MEASUREMENTS
    version: str  # "earlier" or "later"
    round: int
    value: float  # seconds, or MB of a kernel
    machine: str
    date: str


class Results(BenchmarkResults):
    """Everything that was measured, with the accuracies of the studies in percent."""

    ensembles: list[EnsembleResult]
    transfer: list[TransferResult]
    page_accuracies: list[PageAccuracy]
    page_speeds: list[PageSpeed]
    waits: list[Wait]
    test: dict[str, dict[int, float]]  # by recipe and seed
    validation: dict[str, dict[int, float]]
