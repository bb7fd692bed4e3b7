"""The function of matrix.wasm, with which networks are trained in the page, is a product."""

from collections.abc import Callable

import numpy as np
import pytest
import wasmtime
from hypothesis import given
from hypothesis import strategies as st

from mnist_cnn.views.bundle import BROWSER

WASM = BROWSER / "matrix.wasm"


AddProduct = Callable[[np.ndarray, np.ndarray, np.ndarray, bool], np.ndarray]


@pytest.fixture(scope="module")
def add_product() -> AddProduct:
    """The function, on arrays of NumPy."""
    store = wasmtime.Store()
    memory = wasmtime.Memory(store, wasmtime.MemoryType(wasmtime.Limits(8, None)))
    module = wasmtime.Module(store.engine, WASM.read_bytes())
    function = wasmtime.Instance(store, module, [memory]).exports(store)["addProduct"]

    def run(a: np.ndarray, b: np.ndarray, c: np.ndarray, transpose: bool) -> np.ndarray:
        stored = np.ascontiguousarray(a.T if transpose else a)
        places = np.cumsum([0, stored.nbytes, b.nbytes, c.nbytes]).tolist()
        for array, place in zip((stored, b, c), places, strict=False):
            memory.write(store, array.tobytes(), place)
        memory.write(store, bytes(400), places[3])
        rows, inner = a.shape
        down, right = (4, 4 * rows) if transpose else (4 * inner, 4)
        function(store, 0, down, right, places[1], places[2], rows, inner, b.shape[1])
        after = memory.read(store, places[2], places[3] + 400)
        assert after[c.nbytes :] == bytes(400), "it wrote beyond the matrix"
        return np.frombuffer(after[: c.nbytes], "float32").reshape(c.shape)

    return run


@given(
    rows=st.integers(1, 30),
    inner=st.integers(1, 30),
    columns=st.integers(1, 30),
    transpose=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_it_adds_the_product_whatever_the_sizes(
    add_product: AddProduct, rows: int, inner: int, columns: int, transpose: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    a, b, c = (
        rng.normal(size=shape).astype("float32")
        for shape in ((rows, inner), (inner, columns), (rows, columns))
    )
    expected = c + a.astype("float64") @ b
    np.testing.assert_allclose(add_product(a, b, c, transpose), expected, atol=1e-4)


def test_what_is_loaded_was_assembled_from_the_text_beside_it() -> None:
    text = WASM.with_suffix(".wat").read_text(encoding="utf-8")
    assert wasmtime.wat2wasm(text) == WASM.read_bytes(), "run `make wasm`"
