#!/usr/bin/env bash
# A value whose representation raises an error, as a figure that cannot be drawn, in a notebook that
# nbclient executes (what `jupyter execute`, `nbconvert --execute` and many CI jobs do). The traceback
# is among the cell's outputs, so one guesses that the execution fails, with that error. What happens,
# seen with nbclient 0.11.0, ipykernel 7.4.0 and IPython 9.18.1 (Python 3.11 on Linux, 2026-11-29):
#
#   display(value)       passes; the cell has an output of the type "error": ValueError
#   value, as last line  fails with "NoneType: None"; the output says ValueError
#
# So whoever executes notebooks as a test has to look for outputs of the type "error" as well.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet nbclient==0.11.0 ipykernel==7.4.0 ipython==9.18.1
cat > "$work/execute.py" <<'PY'
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

VALUE = """
class Value:
    def _repr_png_(self):
        raise ValueError("cannot be drawn")

value = Value()
"""
found = []
for last in ("display(value)", "value"):
    cell = nbformat.v4.new_code_cell(VALUE + last)
    try:
        NotebookClient(nbformat.v4.new_notebook(cells=[cell]), kernel_name="python3").execute()
        result = "passes"
    except CellExecutionError as error:
        result = f"fails with {error.ename}: {error.evalue}"
    errors = [output.ename for output in cell.outputs if output.output_type == "error"]
    print(f"{last:20} {result}; outputs of the type error: {errors}")
    found.append((result, errors))
assert found == [
    ("passes", ["ValueError"]),
    ("fails with NoneType: None", ["ValueError"]),
], found
PY
"$work/venv/bin/python" "$work/execute.py"
