#!/usr/bin/env bash
# Ruff keeps in its cache whether a file's imports are in order, and looks again only if that file
# or a setting changes. But the order depends on other files, too: a module that lies in one of the
# folders named by `src` is the project's own, and stands in a group after the packages of others.
# One guesses that moving the module makes Ruff look at the files that import it. In Ruff 0.17.6,
# seen with Python 3.11 on Linux (2026-11-30), it does not:
#
#   before the move                All checks passed!
#   after it                       All checks passed!
#   after it, with --no-cache      Found 1 error.
#
# So after a refactoring the check passes on the machine that did it, and fails in CI.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet ruff==0.17.6
mkdir "$work/project" "$work/project/own" "$work/project/elsewhere"
cd "$work/project"
printf 'src = ["own"]\n[lint]\nselect = ["I"]\n' > ruff.toml
echo 'VALUE = 1' > own/helper.py
printf 'import numpy\n\nimport helper\n\nprint(numpy.pi, helper.VALUE)\n' > main.py

verdict() { "$work/venv/bin/ruff" check "$@" main.py | grep -o 'All checks passed!\|Found 1 error\.'; }

before=$(verdict)
mv own/helper.py elsewhere/
after=$(verdict || true)
afresh=$(verdict --no-cache || true)
printf '%s\n' "before the move: $before" "after it: $after" "after it, with --no-cache: $afresh"
[ "$before" = "All checks passed!" ]
[ "$after" = "All checks passed!" ]
[ "$afresh" = "Found 1 error." ]
