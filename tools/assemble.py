"""Assemble views/browser/matrix.wasm from matrix.wat: `make wasm`."""

import wasmtime

from mnist_cnn.views.bundle import BROWSER


def main() -> None:
    """Write the module, which everyone who trains in the page loads."""
    text = BROWSER.joinpath("matrix.wat").read_text(encoding="utf-8")
    BROWSER.joinpath("matrix.wasm").write_bytes(wasmtime.wat2wasm(text))


if __name__ == "__main__":
    main()
