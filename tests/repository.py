"""The repository as git would give it to somebody."""

import shutil
import subprocess
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
