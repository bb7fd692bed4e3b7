#!/usr/bin/env bash
# A Dask cluster on this machine, started in a notebook and closed again. One guesses that the process
# is then as it was. But dask and distributed 2026.8.0 leave variables in its environment that were
# meant for the workers, seen with Python 3.11 on Linux (2026-11-29):
#
#   MALLOC_TRIM_THRESHOLD_=65536
#   MKL_NUM_THREADS=1
#   OMP_NUM_THREADS=1
#   OPENBLAS_NUM_THREADS=1
#   PYTHONHASHSEED=6640
#   __DASK_PARENT_PID=<its number>
#   a program that starts then computes with 1 thread, before with 2
#
# So whatever the notebook starts from then on computes with one thread, and each Python that it
# starts gives strings the same hashes. distributed.yaml says of the first four, under
# pre-spawn-environ, that this "leaks variables into the nanny process"; with LocalCluster, that is
# the notebook.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet dask==2026.8.0 distributed==2026.8.0 numpy==2.3.5 \
    threadpoolctl==3.6.0
cat > "$work/leaves.py" <<'PY'
import os
import subprocess
import sys

from distributed import LocalCluster

COUNT = "import numpy, threadpoolctl; print(threadpoolctl.threadpool_info()[0]['num_threads'])"


def threads() -> int:
    """With how many a program computes that starts now."""
    return int(subprocess.check_output([sys.executable, "-c", COUNT], text=True))


if __name__ == "__main__":
    before, at_first = dict(os.environ), threads()
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None):
        pass
    left = {name: value for name, value in os.environ.items() if before.get(name) != value}
    for name, value in sorted(left.items()):
        print(f"{name}={value}")
    print(f"a program that starts then computes with {threads()} thread, before with {at_first}")
    assert left["OMP_NUM_THREADS"] == "1" and left["PYTHONHASHSEED"] == "6640", left
    assert threads() == 1
PY
env -u OMP_NUM_THREADS -u MKL_NUM_THREADS -u OPENBLAS_NUM_THREADS -u MALLOC_TRIM_THRESHOLD_ \
    -u PYTHONHASHSEED "$work/venv/bin/python" "$work/leaves.py"
