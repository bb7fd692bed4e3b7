"""Find the device that Keras computes on; choose the precision; fix the seed (notebook 04)."""

import os

from mnist_cnn.backend import keras
from mnist_cnn.machine import read_cpuinfo


def device() -> str:
    """The kind of device that Keras computes on, "GPU" or "CPU"."""
    if keras.backend.backend() == "torch":  # whose devices Keras 3.15 cannot list
        import torch

        return "GPU" if torch.cuda.is_available() else "CPU"
    return keras.distribution.list_devices()[0].split(":")[0].upper()


def choose_precision() -> str:
    """Choose the precision to train in: "mixed_bfloat16" where it is faster, else "float32".

    In benchmarks it was faster on AMD CPUs with AVX-512 BF16 instructions, on Linux, with
    TensorFlow and oneDNN. On Intel CPUs it was slower, and without those instructions it takes many
    times as long (see benchmarks/README.md).
    """
    has_instructions = {"AuthenticAMD", "avx512_bf16"} <= set(read_cpuinfo().split())
    has_library = (
        keras.backend.backend() == "tensorflow" and os.environ.get("TF_ENABLE_ONEDNN_OPTS") != "0"
    )
    is_faster = has_instructions and has_library and device() == "CPU"
    return "mixed_bfloat16" if is_faster else "float32"


def fix_seed(seed: int) -> None:
    """Seed Python, NumPy and Keras; on a GPU, also choose deterministic kernels, which are slow."""
    keras.utils.set_random_seed(seed)
    if device() == "GPU" and keras.backend.backend() == "tensorflow":
        import tensorflow as tf  # imported here, as other backends do without it

        tf.config.experimental.enable_op_determinism()
