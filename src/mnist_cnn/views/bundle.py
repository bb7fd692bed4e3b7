"""The JavaScript of all views as one module."""

import json
import re
from graphlib import TopologicalSorter
from pathlib import Path

from mnist_cnn.shared import SHARED

BROWSER = Path(__file__).with_name("browser")

_IMPORT = re.compile(r'^import (\{.*?\}) from "\./(\w+)\.js";', re.MULTILINE | re.DOTALL)
_IMPORT_OF_SHARED = 'import shared from "../../shared.json" with { type: "json" };\n'


def bundle() -> str:
    """Join the files of `browser/` to one module, as a widget can have only one.

    Each file becomes a function that returns what the file exports, and its imports take from what
    the functions before it have returned; `shared.json` becomes a constant. A bundler such as
    esbuild would do this as well, but it is installed with npm: everybody who installs from a
    checkout, as Binder does, would need Node.js, or the repository would have to hold its output.
    """
    files = {path.stem: path.read_text(encoding="utf-8") for path in sorted(BROWSER.glob("*.js"))}
    imports = {name: [needed for _, needed in _IMPORT.findall(files[name])] for name in files}
    order = TopologicalSorter(imports).static_order()
    shared = f"const shared = {json.dumps(SHARED)};"
    return "\n".join([shared, *(_wrap(name, files[name]) for name in order)])


def _wrap(name: str, code: str) -> str:
    """The code of a file, in a scope of its own unless it exports only a default."""
    code = _IMPORT.sub(r"const \1 = _\2;", code.replace(_IMPORT_OF_SHARED, ""))
    exported = re.findall(r"^export (?:async )?(?:function|const) (\w+)", code, re.MULTILINE)
    code = re.sub(r"^export (?!default)", "", code, flags=re.MULTILINE)
    if not exported:
        return code
    return f"const _{name} = (() => {{\n{code}return {{ {', '.join(exported)} }};\n}})();"
