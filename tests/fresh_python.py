"""Code in a fresh Python: it has imported nothing yet, and its environment is the test's."""

import subprocess
import sys


def run_python(
    code: str, environment: dict[str, str], *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Run code, which may fail."""
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900)


def printed_by_python(code: str, environment: dict[str, str], *arguments: str) -> str:
    """Run code, which must succeed, and return what it prints."""
    done = run_python(code, environment, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout
