"""Bundle the JavaScript of all views into one module."""

import json
import re
from graphlib import TopologicalSorter
from pathlib import Path

from mnist_cnn.shared import SHARED

BROWSER = Path(__file__).with_name("browser")

_ENTRY = "views"  # the file whose default export is that of the module

_IMPORT = re.compile(r'^import (\{\s*\w+(?:,\s*\w+)*,?\s*\}) from "\./(\w+)\.js";', re.MULTILINE)
_IMPORT_OF_SHARED = 'import shared from "../../shared.json" with { type: "json" };'
_EXPORT = re.compile(r"^export ((?:async )?(?:function|const) (\w+))", re.MULTILINE)
_IMPORT_OR_EXPORT = re.compile(r"\s*(?:import|export)\b")


def bundle(folder: Path = BROWSER) -> str:
    """Join the files of `browser/` into one module, as a widget can have only one.

    Each file becomes a function that is called at once and returns what the file exports; imports
    become assignments from what earlier functions returned, and `shared.json` becomes a constant. A
    bundler such as esbuild would do this as well, but it is installed with npm: everyone who
    installs from a checkout, as Binder does, would need Node.js, or the repository would have to
    contain its output.

    Args:
        folder: The folder with the files. `views.js` among them has the default export.

    Returns:
        The source of the module.

    Raises:
        ValueError: A file has an import or export of a form that is not rewritten here.
    """
    files = {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.js"))}
    imports = {name: [needed for _, needed in _IMPORT.findall(files[name])] for name in files}
    order = TopologicalSorter(imports).static_order()
    shared = f"const shared = {json.dumps(SHARED)};"
    return "\n".join([shared, *(_wrap(name, files[name]) for name in order)])


def _wrap(name: str, code: str) -> str:
    """Wrap the code of a file in a scope of its own, unless it is the entry point.

    Args:
        name: The name of the file, without its ending.
        code: The content of the file.

    Returns:
        The code as a part of the bundle.

    Raises:
        ValueError: The file has an import or export of a form that is not rewritten here.
    """
    exported = [match[2] for match in _EXPORT.finditer(code)]
    code = _IMPORT.sub(r"const \1 = _\2;", code.replace(_IMPORT_OF_SHARED, ""))
    code = _EXPORT.sub(r"\1", code)
    _check_rewritten(name, code)
    if name == _ENTRY:
        return code
    return f"const _{name} = (() => {{\n{code}\nreturn {{ {', '.join(exported)} }};\n}})();"


def _check_rewritten(name: str, code: str) -> None:
    """Refuse an import or export that is left: it would fail only in the browser."""
    for number, line in enumerate(code.splitlines(), start=1):
        is_default = name == _ENTRY and line.startswith("export default ")
        if _IMPORT_OR_EXPORT.match(line) and not is_default:
            raise ValueError(f"{name}.js, line {number}: cannot bundle {line.strip()!r}")
