"""The errors of this package, whose messages say what is wrong and what to do about it."""


class NoTraceback:
    """Mixin for exceptions that notebooks show without a traceback, as their message is enough."""

    def _render_traceback_(self) -> list[str]:  # IPython calls this
        return [f"{type(self).__name__}: {self}"]


class DataError(NoTraceback, ValueError):
    """The images cannot be read, or are not the ones that were asked for."""


class RunError(NoTraceback, ValueError):
    """A run cannot be loaded, trained or saved."""


class SettingsMismatchError(RunError):
    """A run was made with other settings."""

    def __init__(self, differences: list[str]):
        """Say which settings differ, as in "epochs 5, not 20"."""
        super().__init__(f"was made with other settings ({'; '.join(differences)})")


class Interrupted(NoTraceback, KeyboardInterrupt):
    """The user interrupted a training; its finished epochs are saved."""


class StudyError(NoTraceback, ValueError):
    """A study cannot be read or continued."""
