"""Importing Keras: with oneDNN, and without its messages unless it fails."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from fresh_python import printed_by_python


@pytest.mark.slow
@pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"), reason="oneDNN is for these processors"
)
@pytest.mark.parametrize("chosen", ["", "0"])
def test_onednn_is_on_unless_the_user_turned_it_off(chosen: str) -> None:
    code = (
        "import gc, os, mnist_cnn.backend\n"
        "from tensorflow.python.util._pywrap_util_port import IsMklEnabled\n"
        "print(os.environ['TF_ENABLE_ONEDNN_OPTS'], IsMklEnabled(), gc.isenabled())"
    )
    environment = {
        name: value for name, value in os.environ.items() if name != "TF_ENABLE_ONEDNN_OPTS"
    }
    environment |= {"TF_ENABLE_ONEDNN_OPTS": chosen} if chosen else {}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == (["0", "False", "True"] if chosen else ["1", "True", "True"])


def test_if_keras_cannot_be_imported_what_it_wrote_is_shown(tmp_path: Path) -> None:
    broken = (
        "import os\nos.write(2, b'illegal instruction')\nraise ImportError('Keras is broken')\n"
    )
    (tmp_path / "keras.py").write_text(broken)
    done = subprocess.run(
        [sys.executable, "-c", "import mnist_cnn.backend"],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "illegal instruction" in done.stderr and "Keras is broken" in done.stderr


USES_WHAT_WAS_LEFT_OUT = """
import mnist_cnn.backend, sys
assert not {"sklearn", "pandas", "matplotlib.pyplot"} & sys.modules.keys()
import keras, pandas
import matplotlib.pyplot
from sklearn.metrics import accuracy_score
model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
inputs = pandas.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
model.fit(inputs, pandas.Series([0.0, 1.0]), verbose=0)
"""
IMPORTS_THEM_FIRST = """
import matplotlib.pyplot, pandas, sklearn
import mnist_cnn.backend, keras
model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
print(keras.wrappers.SKLearnRegressor(model))
"""


@pytest.mark.slow
@pytest.mark.parametrize("code", [USES_WHAT_WAS_LEFT_OUT, IMPORTS_THEM_FIRST])
def test_packages_that_are_optional_for_keras_can_be_imported_before_or_after(code: str) -> None:
    printed_by_python(code, dict(os.environ))
