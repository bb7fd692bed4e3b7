#!/usr/bin/env bash
# A Dask worker draws from Python's global random generator while a task runs: with each heartbeat,
# twice a second, it estimates sizes from a sample that it takes by random.sample (dask/sizeof.py).
# One guesses that a task which calls random.seed(0) and has its process to itself gets the same
# numbers each time. What follows a pause of two seconds is different, in dask and distributed
# 2026.8.0, seen with Python 3.11 on Linux (2026-11-29); without Dask it is the same:
#
#   alone       [0.8444218515250481, 0.7579544029403025]
#   on a worker [0.8444218515250481, 0.09121595383022585]   (or another: it depends on the heartbeats)
#
# It matters wherever a library takes its seeds from there, as Keras 3 does for the first weights
# of a network: after keras.utils.set_random_seed(0), a network that is built in a task has these
# weights or others, by chance.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet dask==2026.8.0 distributed==2026.8.0
cat > "$work/draws.py" <<'PY'
import random
import time

from distributed import Client, LocalCluster


def draw() -> list[float]:
    random.seed(0)
    first = random.random()
    time.sleep(2)
    return [first, random.random()]


if __name__ == "__main__":
    alone = draw()
    options = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(**options) as cluster, Client(cluster) as client:
        on_worker = client.submit(draw).result()
    print("alone      ", alone)
    print("on a worker", on_worker)
    assert on_worker[0] == alone[0], "before the pause"
    assert on_worker[1] != alone[1], "this version of Dask leaves Python's random alone"
PY
"$work/venv/bin/python" "$work/draws.py"
