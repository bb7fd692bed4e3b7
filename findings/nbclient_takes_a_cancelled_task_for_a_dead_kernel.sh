#!/usr/bin/env bash
# NotebookClient.async_execute of nbclient cannot be cancelled like other coroutines. It expects that
# only its own watch over the kernel cancels it, so where a task that runs it is cancelled, it raises
# DeadKernelError, although the kernel lives. One guesses that a time limit around it ends in
# TimeoutError, and that a cancelled task counts as cancelled. In nbclient 0.11.0 neither is so, seen
# with ipykernel 7.4.0, jupyter-client 8.10.0, nbformat 5.10.4 and Python 3.11 on Linux (2026-12-01):
#
#   a time limit of two seconds: DeadKernelError: Kernel died
#   a cancelled task: DeadKernelError: Kernel died, cancelled(): False
#
# So asyncio.timeout, TaskGroup and the Ctrl+C of asyncio.run report a dead kernel, for which one
# then looks in the memory of the machine. Whoever runs notebooks in asyncio has to ask
# asyncio.current_task().cancelling() where a DeadKernelError arrives.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet \
  nbclient==0.11.0 ipykernel==7.4.0 jupyter-client==8.10.0 nbformat==5.10.4
cat > "$work/cancelled.py" <<'PY'
import asyncio

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError


def client():
    cell = nbformat.v4.new_code_cell("import time; time.sleep(60)")
    return NotebookClient(nbformat.v4.new_notebook(cells=[cell]), kernel_name="python3")


async def with_a_time_limit():
    try:
        async with asyncio.timeout(2):
            await client().async_execute()
    except Exception as error:
        return error


async def cancelled():
    task = asyncio.create_task(client().async_execute())
    await asyncio.sleep(2)
    task.cancel()
    (result,) = await asyncio.gather(task, return_exceptions=True)
    return result, task.cancelled()


limited = asyncio.run(with_a_time_limit())
print(f"a time limit of two seconds: {type(limited).__name__}: {limited}")
result, is_cancelled = asyncio.run(cancelled())
print(f"a cancelled task: {type(result).__name__}: {result}, cancelled(): {is_cancelled}")
assert isinstance(limited, DeadKernelError), "a time limit is reported as such in this version"
assert isinstance(result, DeadKernelError) and not is_cancelled, "cancelled, in this version"
PY
"$work/venv/bin/python" "$work/cancelled.py" 2> "$work/stderr" || { cat "$work/stderr"; exit 1; }
