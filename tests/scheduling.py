"""Which tests run, in which order, and which of them share a process: a pytest plugin."""

import pytest
from xdist.scheduler import LoadFileScheduling

VIEWS_ON_THE_SITE = [
    "test_prediction_browser",
    "test_drawing_pad",
    "test_confusion_explorer",
    "test_epoch_scrubber",
    "test_feature_maps",
    "test_themes",
]
# By the names of files. They come first, so that no process has to wait for another at the end.
LONGEST = [
    "04_training",
    "05_evaluation",
    "test_series",
    "test_binder",
    "test_other_images",
    "test_views_in_jupyterlab",
    *VIEWS_ON_THE_SITE,
    "test_site",
]
# The process that runs the one file also runs the other: 05 opens the runs of 04, the site is built
# only once, and JupyterLab is started only once.
SHARES_A_PROCESS_WITH = {
    "05_evaluation": "04_training",
    **dict.fromkeys([*VIEWS_ON_THE_SITE, "test_firefox"], "test_site"),
    "test_interrupt_button": "test_views_in_jupyterlab",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rehearse", action="store_true", help="run the rehearsals, and nothing else")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the rehearsals, or everything else; begin with what takes longest."""
    rehearse = config.getoption("rehearse")
    items[:] = [item for item in items if is_rehearsal(item) == rehearse]
    slow_files = {item.path for item in items if is_slow(item)}

    def rank(item: pytest.Item) -> tuple[int, bool]:
        name = item.path.stem
        place = LONGEST.index(name) if name in LONGEST else len(LONGEST)
        return place, item.path not in slow_files

    items.sort(key=rank)


def is_rehearsal(item: pytest.Item) -> bool:
    return item.get_closest_marker("rehearsal") is not None


def is_slow(item: pytest.Item) -> bool:
    """Whether a test takes more than seconds, as do the cells of notebooks."""
    marked = item.get_closest_marker("slow") or item.get_closest_marker("browser")
    return marked is not None or item.path.suffix == ".ipynb"


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadFileScheduling:
    """Keep our order, where xdist would begin with the files that have most tests."""
    config.option.loadscopereorder = False
    return FileGroupScheduling(config, log)


class FileGroupScheduling(LoadFileScheduling):
    """Gives all tests of a file to one process, and some files to the process of another.

    xdist's own `--dist loadgroup` would do this, but xdist 3.8 does not work with pytest 9.2.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        for name, first in SHARES_A_PROCESS_WITH.items():
            file = file.replace(name, first)
        return file
