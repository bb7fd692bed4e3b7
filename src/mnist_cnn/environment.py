"""What a training run depends on besides its settings, so that it can say where it comes from."""

import os
from typing import TypedDict

from mnist_cnn.backend import keras
from mnist_cnn.device import device
from mnist_cnn.machine import installed_version, threads


class Environment(TypedDict):
    """What the weights depend on besides the settings; files hold it like this.

    Attributes:
        data: The `source` of the images.
        device: "CPU", "GPU" or "TPU".
        backend: The backend of Keras.
        versions: Versions of packages, by their names.
    """

    data: str
    device: str
    backend: str
    versions: dict[str, str]


class RunEnvironment(Environment, total=False):
    """The environment of a run.

    Attributes:
        arithmetic: What `describe_arithmetic` returns; missing in older runs.
        changes: What `add_changes` has listed, if the run was continued elsewhere.
    """

    arithmetic: dict[str, str | int]
    changes: list[str]


# Apart from the class below, as no attribute can have a space in its name
_TestImages = TypedDict("_TestImages", {"test images": str}, total=False)


class ResultEnvironment(Environment, _TestImages):
    """The environment of a study's result.

    On images other than MNIST's, "test images" has the fingerprint of the test images.

    Attributes:
        layers: The fingerprint of the network's layers.
    """

    layers: str


_PACKAGES = ("mnist-cnn", "keras", "tensorflow", "numpy")


def describe_environment(source: str) -> Environment:
    """Describe what this process trains with.

    Args:
        source: The `source` of the images.

    Returns:
        That source as "data", the "device", the "backend", and the "versions" of
        packages by their names.
    """
    return {
        "data": source,
        "device": device(),
        "backend": keras.backend.backend(),
        "versions": {package: installed_version(package) for package in _PACKAGES},
    }


def describe_arithmetic() -> dict[str, str | int]:
    """Describe what else decides the last bits of the weights.

    With other threads or instructions the same numbers are added in another order.
    """
    names = ("TF_ENABLE_ONEDNN_OPTS", "ONEDNN_MAX_CPU_ISA")
    return {"threads": threads()} | {name: os.environ.get(name, "not set") for name in names}


def find_changes(before: RunEnvironment, now: RunEnvironment) -> list[str]:
    """Find what can change the weights and is not as it was, as in "keras 3.14.0 → 3.15.1"."""
    old, new = _flatten(before), _flatten(now)
    return [
        f"{name} {old[name]} → {new[name]}"
        for name in sorted(old.keys() & new.keys())
        if old[name] != new[name]
    ]


def add_changes(now: RunEnvironment, before: RunEnvironment, epochs_done: int) -> RunEnvironment:
    """Add to the present environment of a training run that continues what has changed so far.

    Args:
        now: The environment in which it continues.
        before: The environment in which it trained before.
        epochs_done: The number of epochs that it has finished.

    Returns:
        The present environment. If anything changed, "changes" lists when and what, as in
        "after epoch 3: keras 3.14.0 → 3.15.1".
    """
    changes = list(before.get("changes", []))
    differences = find_changes(before, now)
    if differences:
        changes.append(f"after epoch {epochs_done}: {'; '.join(differences)}")
    described = now.copy()
    if changes:
        described["changes"] = changes
    return described


def _flatten(environment: RunEnvironment) -> dict[str, str | int]:
    return {
        "device": environment["device"],
        "backend": environment["backend"],
        **environment["versions"],
        **environment.get("arithmetic", {}),  # older runs do not say
    }
