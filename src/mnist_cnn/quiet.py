"""Import Keras and TensorFlow without TensorFlow's start-up messages and telemetry, and with oneDNN.

As it loads, TensorFlow 2.21 writes about instruction sets and missing GPUs to stderr, before its
TF_CPP_MIN_LOG_LEVEL takes effect (tensorflow/tensorflow#100442). Notebooks import this before
Keras; the package takes `keras` from here.

Keras begins with its usual settings, whatever keras.json and the environment say for other work;
what a notebook sets later stays.
"""

import gc
import logging
import os
import platform
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if platform.machine() in ("x86_64", "AMD64"):  # without AVX-512, too: saves up to 40 % of the time
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
# TensorFlow turns it on unless told otherwise
os.environ.setdefault("ENABLE_RUNTIME_UPTIME_TELEMETRY", "0")
# scikit-learn's threads else spin: t-SNE beside other work crawls
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# What would change the arithmetic behind a run's back. The second computes float32 as bfloat16;
# the first is for GPUs, where `fix_seed` asks for the same.
for _name in ("TF_DETERMINISTIC_OPS", "ONEDNN_DEFAULT_FPMATH_MODE", "DNNL_DEFAULT_FPMATH_MODE"):
    os.environ.pop(_name, None)

# The settings that keras.json and KERAS_MAX_EPOCHS, KERAS_MAX_STEPS_PER_EPOCH can change, and what
# they are in Keras without them
KERAS_SETTINGS = {
    "floatx": "float32",
    "epsilon": 1e-7,
    "image_data_format": "channels_last",
    "max_epochs": None,
    "max_steps_per_epoch": None,
}
os.environ.setdefault("KERAS_BACKEND", "tensorflow")  # that of keras.json may be gone, as Theano is
# Else they are what the notebook set before this import
_fresh = "keras" not in sys.modules

# Looking for garbage among a million new objects that all stay takes a fifth of the import
gc.disable()
with tempfile.TemporaryFile() as messages:
    stderr = os.dup(2)
    os.dup2(messages.fileno(), 2)
    try:
        import keras
    except BaseException:
        messages.seek(0)
        sys.stderr.write(messages.read().decode(errors="replace"))  # now they may say why
        raise
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        gc.freeze()  # nor later, while TensorFlow traces a network
        gc.enable()

# No advice on retracing; in a notebook, the import turns it on
logging.getLogger("tensorflow").setLevel(logging.ERROR)


def change_settings(settings: dict[str, object]) -> None:
    """Change settings of Keras, by the names that they have in `keras.config`."""
    for name, value in settings.items():
        getattr(keras.config, f"set_{name}")(value)


if _fresh:
    change_settings(KERAS_SETTINGS)

__all__ = ["KERAS_SETTINGS", "change_settings", "keras"]
