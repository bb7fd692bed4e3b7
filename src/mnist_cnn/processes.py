"""Run Python in a process of its own, with other packages or settings (notebooks 04 and 09)."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import IO


def run_python(program: str, folder: Path, *arguments: object, **environment: str) -> str:
    """Run a Python program in a new process, and return what it prints.

    Args:
        program: The text of the program.
        folder: The process's working directory.
        arguments: What the program finds in `sys.argv[1:]`, as strings.
        environment: Environment variables to set beside those that there are.

    Raises:
        RuntimeError: The program failed; the message is the end of what it wrote to stderr.
    """
    command = [sys.executable, "-c", program, *map(str, arguments)]
    done = subprocess.run(
        command, cwd=folder, env=os.environ | environment, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-1000:])
    return done.stdout


def start_module(
    module: str, *arguments: object, stdout: IO[bytes], stderr: IO[bytes], **environment: str
) -> "subprocess.Popen[bytes]":
    """Start a module in a new process, as `python -m` does, and go on at once.

    Args:
        module: The name of the module.
        arguments: What it finds in `sys.argv[1:]`, as strings.
        stdout: The file for what the process prints.
        stderr: The file for its error messages.
        environment: Environment variables to set beside those that there are.
    """
    command = [sys.executable, "-m", module, *map(str, arguments)]
    return subprocess.Popen(command, env=os.environ | environment, stdout=stdout, stderr=stderr)


def available(*packages: str) -> bool:
    """Whether these packages can be imported; prints which cannot."""
    missing = [package for package in packages if find_spec(package) is None]
    if missing:
        print(f"left out here, as not installed: {', '.join(missing)}")
    return not missing
