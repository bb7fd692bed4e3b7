"""Bundle the JavaScript of views into one module."""

import json
import re
from graphlib import TopologicalSorter
from pathlib import Path

from mnist_cnn.shared import SHARED

BROWSER = Path(__file__).with_name("browser")

_IMPORT = re.compile(r'^import (\{\s*\w+(?:,\s*\w+)*,?\s*\}) from "\./(\w+)\.js";', re.MULTILINE)
_IMPORT_OF_SHARED = 'import shared from "../../shared.json" with { type: "json" };'
_EXPORT = re.compile(r"^export ((?:async )?(?:function|const|class) (\w+))", re.MULTILINE)
_IMPORT_OR_EXPORT = re.compile(r"\s*(?:import|export)\b")


def bundle(entry: str, folder: Path = BROWSER) -> str:
    """Join a file of `browser/` and all that it imports into one module.

    A widget can have only one module, and a worker is started from one. Each file becomes a
    function that is called at once and returns what the file exports; imports become assignments
    from what earlier functions returned, and `shared.json` becomes a constant. A bundler such as
    esbuild would do this as well, but it is installed with npm: everyone who installs from a
    checkout, as Binder does, would need Node.js, or the repository would have to contain its
    output.

    Args:
        entry: The name of the file that comes last, without its ending. Only this one may have a
            default export, which then is that of the module.
        folder: The folder with the files.

    Returns:
        The source of the module.

    Raises:
        ValueError: A file has an import or export of a form that is not rewritten here.
    """
    files: dict[str, str] = {}
    imports: dict[str, list[str]] = {}
    missing = [entry]
    while missing:
        name = missing.pop()
        files[name] = folder.joinpath(f"{name}.js").read_text(encoding="utf-8")
        imports[name] = [needed for _, needed in _IMPORT.findall(files[name])]
        missing += [needed for needed in imports[name] if needed not in files]
    order = TopologicalSorter(imports).static_order()
    parts = [_wrap(name, files[name], is_entry=name == entry) for name in order]
    return "\n".join([f"const shared = {json.dumps(SHARED)};", *parts])


def _wrap(name: str, code: str, is_entry: bool) -> str:
    """Wrap the code of a file in a scope of its own, unless it is the entry point.

    Args:
        name: The name of the file, without its ending.
        code: The content of the file.
        is_entry: Whether it is the entry point.

    Returns:
        The code as a part of the bundle.

    Raises:
        ValueError: The file has an import or export of a form that is not rewritten here.
    """
    exported = [match[2] for match in _EXPORT.finditer(code)]
    code = _IMPORT.sub(r"const \1 = _\2;", code.replace(_IMPORT_OF_SHARED, ""))
    code = _EXPORT.sub(r"\1", code)
    _check_rewritten(name, code, is_entry)
    if is_entry:
        return code
    return f"const _{name} = (() => {{\n{code}\nreturn {{ {', '.join(exported)} }};\n}})();"


def _check_rewritten(name: str, code: str, is_entry: bool) -> None:
    """Refuse an import or export that is left: it would fail only in the browser."""
    for number, line in enumerate(code.splitlines(), start=1):
        is_default = is_entry and line.startswith("export default ")
        if _IMPORT_OR_EXPORT.match(line) and not is_default:
            raise ValueError(f"{name}.js, line {number}: cannot bundle {line.strip()!r}")
