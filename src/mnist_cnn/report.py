"""Report what a bug report needs to know: `python -m mnist_cnn.report`. It names no person and no folder."""

import os
import platform
import re
import sys
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from mnist_cnn.data import DataError, load_images


def report() -> dict[str, str]:
    """What this machine is, what is installed, what Keras computes on, and which images there are;
    all in words.
    """
    return {
        "mnist-cnn": installed_version("mnist-cnn"),
        "Python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "processor": f"{processor()}, {cores()} cores, {_memory()}",
        **{name: installed_version(name) for name in _packages()},
        "computes on": _device(),
        "images": _images(),
    }


def cores() -> int:
    """How many cores this process may use, also where a container has a quota of their time."""
    # Here, as it takes longer than all else that this module imports
    from joblib import cpu_count

    return cpu_count()


def threads() -> int:
    """How many threads TensorFlow computes with on a CPU: it follows affinity, but knows no quota."""
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return int(os.environ.get("TF_NUM_INTRAOP_THREADS", own))


def processor(cpu: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's name."""
    names = re.findall(r"model name\s*: (.*)", cpu.read_text()) if cpu.is_file() else []
    return names[0] if names else platform.processor()


def installed_version(name: str) -> str:
    """The version of an installed package, or "not installed"; TensorFlow may have been installed
    as tensorflow-cpu.
    """
    for installed in (name, f"{name}-cpu"):
        try:
            return version(installed)
        except PackageNotFoundError:
            continue
    return "not installed"


def main() -> int:
    """Print the report, a line for each."""
    for name, value in report().items():
        print(f"{name:12} {value}")
    return 0


def _packages() -> list[str]:
    """What the package depends on, without extras."""
    needed = [line for line in requires("mnist-cnn") or () if "extra ==" not in line]
    return sorted(re.match(r"[\w-]+", line)[0] for line in needed)


def _memory() -> str:
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return "memory unknown"
    return f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 1e9:.0f} GB"


def _device() -> str:
    try:
        # Imports TensorFlow, which may be what fails
        from mnist_cnn.device import choose_precision, device

        return f"{device()} in {choose_precision()}"
    except Exception as error:
        return f"nothing: {type(error).__name__}: {error}"


def _images() -> str:
    """Those that MNIST_NPZ names or the Keras cache holds; it downloads none."""
    cached = Path(
        os.path.expanduser(os.environ.get("KERAS_HOME", "~/.keras")), "datasets", "mnist.npz"
    )
    if not os.environ.get("MNIST_NPZ") and not os.path.exists(cached):
        return "none yet: MNIST_NPZ is not set, and the Keras cache is empty"
    try:
        return str(load_images()).splitlines()[0]
    except (OSError, DataError) as error:
        return type(error).__name__ + ": " + re.sub(r"\S*[/\\]\S*", "…", str(error))


if __name__ == "__main__":
    sys.exit(main())
