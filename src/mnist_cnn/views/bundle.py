"""Bundle the JavaScript of all views into one module."""

import json
import re
from graphlib import TopologicalSorter
from pathlib import Path

from mnist_cnn.shared import SHARED

BROWSER = Path(__file__).with_name("browser")

_IMPORT = re.compile(r'^import (\{.*?\}) from "\./(\w+)\.js";', re.MULTILINE | re.DOTALL)
_IMPORT_OF_SHARED = 'import shared from "../../shared.json" with { type: "json" };\n'


def bundle() -> str:
    """Join the files of `browser/` into one module, as a widget can have only one.

    Each file becomes a function that is called at once and returns what the file exports; imports
    become assignments from what earlier functions returned, and `shared.json` becomes a constant. A
    bundler such as esbuild would do this as well, but it is installed with npm: everyone who
    installs from a checkout, as Binder does, would need Node.js, or the repository would have to
    contain its output.

    Returns:
        The source of the module.
    """
    files = {path.stem: path.read_text(encoding="utf-8") for path in sorted(BROWSER.glob("*.js"))}
    imports = {name: [needed for _, needed in _IMPORT.findall(files[name])] for name in files}
    order = TopologicalSorter(imports).static_order()
    shared = f"const shared = {json.dumps(SHARED)};"
    return "\n".join([shared, *(_wrap(name, files[name]) for name in order)])


def _wrap(name: str, code: str) -> str:
    """Wrap the code of a file in a scope of its own, unless it has only a default export.

    Args:
        name: The name of the file, without its ending.
        code: The content of the file.

    Returns:
        The code as a part of the bundle.
    """
    code = _IMPORT.sub(r"const \1 = _\2;", code.replace(_IMPORT_OF_SHARED, ""))
    exported = re.findall(r"^export (?:async )?(?:function|const) (\w+)", code, re.MULTILINE)
    code = re.sub(r"^export (?!default)", "", code, flags=re.MULTILINE)
    if not exported:
        return code
    return f"const _{name} = (() => {{\n{code}return {{ {', '.join(exported)} }};\n}})();"
