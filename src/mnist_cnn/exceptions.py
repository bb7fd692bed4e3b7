"""The errors of this package, whose messages say what is wrong and what to do about it."""


class NoTraceback:
    """Mixin for exceptions that notebooks show without a traceback, as their message is enough."""

    def _render_traceback_(self) -> list[str]:  # IPython calls this
        return [f"{type(self).__name__}: {self}"]


class MnistCnnError(NoTraceback, Exception):
    """The base of all errors below but `Interrupted`."""


class DataError(MnistCnnError):
    """Images cannot be read, or are not the ones that were asked for."""


class RunError(MnistCnnError):
    """A run cannot be loaded, trained or saved."""


class StudyError(MnistCnnError):
    """A study cannot be read or continued."""


class Interrupted(NoTraceback, KeyboardInterrupt):
    """The user interrupted a training run; its finished epochs are saved."""
