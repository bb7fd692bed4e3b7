"""What Keras computes on, in which precision, and from which seed (notebook 04)."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mnist_cnn.quiet import KERAS_SETTINGS, change_settings, keras


def device() -> str:
    """What Keras computes on: "GPU" or "CPU"."""
    if keras.backend.backend() == "torch":  # Keras 3.15 cannot list its devices
        import torch

        return "GPU" if torch.cuda.is_available() else "CPU"
    return keras.distribution.list_devices()[0].split(":")[0].upper()


def choose_precision(cpu: Path = Path("/proc/cpuinfo")) -> str:
    """The number format to train in: "mixed_bfloat16" where that was measured to be faster, else "float32".

    That is under Linux, on AMD's CPUs with AVX-512 BF16 instructions, with TensorFlow and oneDNN.
    On Intel's it was slower; without the instructions, it takes many times as long
    (benchmarks/README.md has the figures).

    Args:
        cpu: the file in which Linux describes the processor; elsewhere there is none.
    """
    instructions = cpu.is_file() and {"AuthenticAMD", "avx512_bf16"} <= set(cpu.read_text().split())
    library = (
        keras.backend.backend() == "tensorflow" and os.environ.get("TF_ENABLE_ONEDNN_OPTS") != "0"
    )
    return "mixed_bfloat16" if instructions and library and device() == "CPU" else "float32"


def fix_seed(seed: int) -> None:
    """Seed Python, NumPy and Keras; on a GPU also choose deterministic kernels, which are somewhat
    slower.
    """
    keras.utils.set_random_seed(seed)
    if device() == "GPU" and keras.backend.backend() == "tensorflow":
        import tensorflow as tf  # only here

        tf.config.experimental.enable_op_determinism()


@contextmanager
def usual_settings(precision: str = "float32") -> Iterator[None]:
    """Use a precision and otherwise Keras's usual settings, and put back those that were set.

    So what is built and trained inside does not depend on settings that were made for other work.

    Args:
        precision: "float32" or "mixed_bfloat16".
    """
    names = (*KERAS_SETTINGS, "dtype_policy")
    before = {name: getattr(keras.config, name)() for name in names}
    change_settings(KERAS_SETTINGS | {"dtype_policy": precision})
    try:
        yield
    finally:
        change_settings(before)
