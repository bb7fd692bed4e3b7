"""Import Keras, and with it TensorFlow, in a known state: notebooks import this before Keras.

- Without TensorFlow's start-up messages and telemetry. As it loads, TensorFlow 2.21 writes about
  instruction sets and missing GPUs to stderr, before its own TF_CPP_MIN_LOG_LEVEL takes effect
  (tensorflow/tensorflow#100442).
- With oneDNN, which makes convolutions faster.
- Without scikit-learn, pandas and pyplot, unless they are loaded already. Keras imports them for
  `keras.wrappers`, for data frames and for `keras.visualization`; without them the import takes
  three quarters of the time, and 100 MB less. To use those three parts, import these packages
  before this module.
- With Keras's usual settings, whatever keras.json and the environment say for other work; what a
  notebook sets later stays.

The other modules take `keras` from here.
"""

import gc
import logging
import os
import platform
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


def _set_environment() -> None:
    """Set what TensorFlow and Keras read from the environment as they are imported."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if platform.machine() in ("x86_64", "AMD64"):  # also without AVX-512; saves up to 40 % of time
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    # TensorFlow turns it on unless told otherwise
    os.environ.setdefault("ENABLE_RUNTIME_UPTIME_TELEMETRY", "0")
    # Otherwise scikit-learn's threads spin while they wait, and t-SNE beside other work crawls
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    # The backend that keras.json names may no longer exist: Theano, for example
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    # These would change the arithmetic of a training run unseen: the first is for GPUs, where
    # `fix_seed` asks for the same; the others compute float32 as bfloat16.
    for name in (
        "TF_DETERMINISTIC_OPS",
        "ONEDNN_DEFAULT_FPMATH_MODE",
        "DNNL_DEFAULT_FPMATH_MODE",
    ):
        os.environ.pop(name, None)


@contextmanager
def hide_messages() -> Iterator[None]:
    """Keep back what is written to stderr, also by C++; if what is done fails, it may say why."""
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as messages:
        os.dup2(messages.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(stderr, 2)
            messages.seek(0)
            sys.stderr.write(messages.read().decode(errors="replace"))
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


@contextmanager
def _without_optional_packages() -> Iterator[None]:
    """Let imports of packages that are optional for Keras fail, unless they are loaded already."""
    left_out = {"sklearn", "pandas", "matplotlib.pyplot"} - sys.modules.keys()
    sys.modules |= dict.fromkeys(left_out)  # type: ignore[arg-type]  # None makes an import fail
    try:
        yield
    finally:
        for name in left_out:
            del sys.modules[name]


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Do not look for garbage among a million new objects that all stay.

    It takes a fifth of the import, and later time while TensorFlow traces a network: so what is
    there at the end is left out for good.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()


_set_environment()
_notebook_imported_keras = "keras" in sys.modules
with hide_messages(), _without_optional_packages(), _no_garbage_collection():
    import keras
# No advice on retracing; in a notebook, the import turns it on
logging.getLogger("tensorflow").setLevel(logging.ERROR)
# As Keras 3.15 exports to ONNX, it asks NumPy for a name that NumPy no longer has
warnings.filterwarnings("ignore", r"In the future `np\.object`", FutureWarning)

# Keras's own values of what keras.json, KERAS_MAX_EPOCHS and KERAS_MAX_STEPS_PER_EPOCH can change
_KERAS_SETTINGS: dict[str, object] = {
    "floatx": "float32",
    "epsilon": 1e-7,
    "image_data_format": "channels_last",
    "max_epochs": None,
    "max_steps_per_epoch": None,
}


def _change_settings(settings: dict[str, object]) -> None:
    """Change settings of Keras, by the names that they have in `keras.config`."""
    for name, value in settings.items():
        getattr(keras.config, f"set_{name}")(value)


@contextmanager
def usual_settings(precision: str = "float32") -> Iterator[None]:
    """Use a precision and otherwise Keras's usual settings; afterwards put back what was set.

    So what is built and trained inside does not depend on settings that were made for other work.

    Args:
        precision: "float32" or "mixed_bfloat16".
    """
    names = (*_KERAS_SETTINGS, "dtype_policy")
    before = {name: getattr(keras.config, name)() for name in names}
    _change_settings(_KERAS_SETTINGS | {"dtype_policy": precision})
    try:
        yield
    finally:
        _change_settings(before)


if not _notebook_imported_keras:  # otherwise they are what the notebook has set
    _change_settings(_KERAS_SETTINGS)

__all__ = ["hide_messages", "keras", "usual_settings"]
