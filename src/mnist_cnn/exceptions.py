"""The errors of this package, whose messages say what is wrong and what to do about it."""


class NoTraceback:
    """Mixin for exceptions that notebooks show without a traceback, as their message is enough."""

    def _render_traceback_(self) -> list[str]:  # IPython calls this
        return [f"{type(self).__name__}: {self}"]


class DataError(NoTraceback, ValueError):
    """The images cannot be read, or are not the ones that were asked for."""


class RunError(NoTraceback, ValueError):
    """A run cannot be loaded, trained or saved."""


class SettingsMismatch(RunError):
    """A run was made with other settings.

    Attributes:
        differences: The settings that differ, each in words such as "epochs 5, not 20".
    """

    def __init__(self, differences: list[str]):
        super().__init__(f"it was made with other settings ({'; '.join(differences)})")
        self.differences = differences


class Interrupted(NoTraceback, KeyboardInterrupt):
    """The user interrupted a training; its finished epochs are saved."""


class StudyError(NoTraceback, ValueError):
    """A study cannot be read or continued."""
