"""What this machine is and what is installed on it; works without Keras."""

import os
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")  # in which Linux describes the processor; elsewhere there is none


def describe_cpu() -> str:
    """What Linux says of the processor, its instructions included; nothing on other systems."""
    return CPUINFO.read_text() if CPUINFO.is_file() else ""


def processor() -> str:
    """The processor's name."""
    names = re.findall(r"model name\s*: (.*)", describe_cpu())
    return names[0] if names else platform.processor()


def cores() -> int:
    """How many cores this process may use, also where a container has a quota of their time."""
    # Here, as it takes longer than everything else that this module imports
    from joblib import cpu_count

    return cpu_count()


def threads() -> int:
    """How many threads TensorFlow uses on a CPU: it follows affinity, but knows no quota."""
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return int(os.environ.get("TF_NUM_INTRAOP_THREADS", own or 1))


def memory() -> int | None:
    """How much memory the machine has, in bytes; None where Python cannot tell, as on Windows."""
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return None
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def installed_version(name: str) -> str:
    """The version of an installed package, also as tensorflow-cpu, or "not installed"."""
    for installed in (name, f"{name}-cpu"):
        try:
            return version(installed)
        except PackageNotFoundError:
            continue
    return "not installed"
