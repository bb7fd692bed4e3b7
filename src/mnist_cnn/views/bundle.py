"""The JavaScript of all views as one module."""

import re
from pathlib import Path

BROWSER = Path(__file__).with_name("browser")

# In the order in which they need each other
_FILES = (
    "numbers",
    "elements",
    "network",
    "cleaning",
    "drawing",
    "matrix",
    "mosaic",
    "pixels",
    "canvas",
    "confusion",
    "feature_maps",
    "predictions",
    "drawing_pad",
    "views",
)


def bundle() -> str:
    """Join the files of `browser/` to one module, as a widget may have only one.

    Each file becomes a function that returns what the file exports, and its imports take from what
    the functions before have returned. A bundler such as esbuild would do the same, but whoever
    installs the package with pip would then need Node.js, or we would have to keep its output.
    """
    return "\n".join(_wrap(name) for name in _FILES)


def _wrap(name: str) -> str:
    """The code of a file, in a scope of its own unless it exports only a default."""
    code = BROWSER.joinpath(f"{name}.js").read_text(encoding="utf-8")
    code = re.sub(
        r'^import (\{.*?\}) from "./(\w+).js";',
        r"const \1 = _\2;",
        code,
        flags=re.MULTILINE | re.DOTALL,
    )
    exported = re.findall(r"^export (?:async )?(?:function|const) (\w+)", code, re.MULTILINE)
    code = re.sub(r"^export (?!default)", "", code, flags=re.MULTILINE)
    if not exported:
        return code
    return f"const _{name} = (() => {{\n{code}return {{ {', '.join(exported)} }};\n}})();"
