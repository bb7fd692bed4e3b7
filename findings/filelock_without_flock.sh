#!/usr/bin/env bash
# filelock on a file system that knows no flock(2), as Lustre mounted without the option `flock`: the system call fails
# with ENOSYS, "function not implemented". One guesses that FileLock then raises an error, or falls back on a lock that
# works. What three versions do, seen with Python 3.11 on Linux (2026-11-29):
#
#   3.23.0   NotImplementedError
#   4.0.12   every process gets the lock at once: acquire() returns, is_locked is True, and nothing is excluded
#   4.2.1    falls back on a lock file: the second process waits, as it should
#
# The call is made to fail by replacing fcntl.flock, so that no such file system is needed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat > "$work/two.py" <<'PY'
import errno, fcntl, multiprocessing, os, sys, warnings

def no_flock(file, operation):
    raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

fcntl.flock = no_flock
warnings.simplefilter("ignore")
from filelock import FileLock, Timeout

def second(path, answer):
    try:
        with FileLock(path, timeout=0.5):
            answer.put("gets it, too")
    except Timeout:
        answer.put("waits")

path, answer = sys.argv[1], multiprocessing.Queue()
try:
    with FileLock(path, timeout=0.5) as lock:
        assert lock.is_locked
        other = multiprocessing.get_context("fork").Process(target=second, args=(path, answer))
        other.start()
        print("the second process", answer.get(timeout=30))
        other.join()
except NotImplementedError:
    print("NotImplementedError")
PY
try() {
    python3 -m venv "$work/$1"
    "$work/$1/bin/python" -m pip install --quiet "filelock==$1"
    seen=$("$work/$1/bin/python" "$work/two.py" "$work/$1.lock")
    echo "filelock $1: $seen"
    [ "$seen" = "$2" ] || { echo "expected: $2"; exit 1; }
}
try 3.23.0 "NotImplementedError"
try 4.0.12 "the second process gets it, too"
try 4.2.1 "the second process waits"
