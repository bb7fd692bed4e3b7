"""The repository: its folder, its pyproject.toml, a copy of it, and what its Makefile calls."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NO_MAKE = "there is no make, as on most Windows machines"
NEEDS_MAKE = pytest.mark.skipif(shutil.which("make") is None, reason=NO_MAKE)


def copy_repository(target: Path) -> list[Path]:
    """Copy every file that git knows, with uncommitted changes, and new ones; return the copies."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(
        command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=60
    ).stdout
    copies = []
    for name in listed.rstrip("\0").split("\0"):
        if (ROOT / name).exists():
            copies.append(target / name)
            copies[-1].parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copies[-1])
    return copies


def supported_pythons(requires_python: str = PROJECT["requires-python"]) -> list[str]:
    """The versions that `requires-python` allows, as in 3.11; pyproject.toml's if left out."""
    low, high = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", requires_python).groups()
    return [f"3.{minor}" for minor in range(int(low), int(high))]


def make_commands(target: str) -> list[str]:
    """The commands that make would call for a target where everything is installed already."""
    make = ["make", "--no-print-directory", "--dry-run"]
    for stamp in ("installed", "installed-test", "installed-study", "installed-site"):
        make += ["--assume-old", f".venv/{stamp}"]
    done = subprocess.run(
        [*make, target], cwd=ROOT, check=True, capture_output=True, text=True, timeout=60
    )
    return done.stdout.replace("\\\n", " ").splitlines()
