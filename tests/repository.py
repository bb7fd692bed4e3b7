"""The repository as git would give it to somebody."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def copy_repository(target: Path) -> list[Path]:
    """Copy all that git knows, with changes that are not committed yet, and new files; return the
    copies.
    """
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(
        command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=60
    ).stdout
    copies = []
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).exists():
            copies.append(target / name)
            copies[-1].parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copies[-1])
    return copies


def supported_pythons(requires_python: str | None = None) -> list[str]:
    """The versions that `requires-python` allows, as in 3.11; pyproject.toml's if left out."""
    if requires_python is None:
        pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        requires_python = pyproject["project"]["requires-python"]
    low, high = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", requires_python).groups()
    return [f"3.{minor}" for minor in range(int(low), int(high))]
