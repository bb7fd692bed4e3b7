"""Import Keras and TensorFlow without TensorFlow's start-up messages and telemetry, and with oneDNN.

As it loads, TensorFlow 2.21 writes about instruction sets and missing GPUs to stderr, before its
TF_CPP_MIN_LOG_LEVEL takes effect (tensorflow/tensorflow#100442). Notebooks import this before
Keras; the package takes `keras` from here.
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

__all__ = ["keras"]
