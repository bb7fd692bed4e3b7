"""The views' JavaScript is joined into one module; tests/browser runs it."""

import re
from pathlib import Path

import pytest

from mnist_cnn.views.bundle import BROWSER, bundle

MODULES = ["views", "trainer", "training_worker"]
ENTRY = 'import { one } from "./small.js";\nexport default { one };\n'
SMALL = "export const one = 1;\n"


def write(folder: Path, **files: str) -> Path:
    for name, code in files.items():
        (folder / f"{name}.js").write_text(code, encoding="utf-8")
    return folder


def exported_names(code: str) -> list[str]:
    """The names after `export function`, `export async function`, `export const` and so on."""
    lines = [line for line in code.splitlines() if line.startswith("export ")]
    return [re.split(r"[ (=]", re.sub("^export (async )?", "", line))[1] for line in lines]


@pytest.fixture(params=MODULES)
def code(request: pytest.FixtureRequest) -> str:
    """One of the modules that browsers load."""
    return bundle(request.param)


def returned_names(code: str) -> dict[str, list[str]]:
    """What each file of a bundle hands on, by the name of the file."""
    found = re.findall(r"const _(\w+) = \(\(\) => \{\n.*?\nreturn \{(.*?)\};\n", code, re.S)
    return {name: names.replace(",", "").split() for name, names in found}


def test_all_files_are_in_a_bundle_and_the_views_have_nothing_of_training() -> None:
    bundled = {name: {*returned_names(bundle(name)), name} for name in MODULES}
    assert set().union(*bundled.values()) == {path.stem for path in BROWSER.glob("*.js")}
    assert not {"training", "trainer_network", "matrices"} & bundled["views"]


def test_every_exported_name_is_available_and_every_imported_one_is_exported(code: str) -> None:
    exported = returned_names(code)
    assert len(exported) > 8
    for name, names in exported.items():
        assert names and names == exported_names((BROWSER / f"{name}.js").read_text("utf-8"))
    imported = re.findall(r"^const \{([^}]*)\} = _(\w+);", code, re.M)
    assert len(imported) > 15
    for names, file in imported:
        assert {*names.replace(",", " ").split()} <= {*exported[file]}


def test_a_file_stands_after_those_that_it_imports_from(tmp_path: Path) -> None:
    """Whatever their names; only the default export of views.js is one of the module."""
    large = 'import {\n  one,\n} from "./small.js";\nexport async function two() {}\n'
    entry = 'import { two } from "./large.js";\nexport default { two };\n'
    code = bundle("views", write(tmp_path, large=large, small=SMALL, views=entry))
    wanted = [
        "const _small =",
        "const one = 1;",
        "return { one };",
        "const _large =",
        "one,\n} = _small;",
        "async function two() {}",
        "return { two };",
        "const { two } = _large;",
        "export default { two };",
    ]
    places = [code.index(part) for part in wanted]
    assert places == sorted(places)
    assert re.findall(r"\b(?:import|export)\b.*", code) == ["export default { two };"]


@pytest.mark.parametrize(
    "form",
    [
        'import { one as two } from "./small.js";',
        'import * as small from "./small.js";',
        'import small from "./small.js";',
        'import "./small.js";',
        'import { one } from "../small.js";',
        "import { one } from './small.js';",
        'import other from "../../other.json" with { type: "json" };',
        "export let two = 2;",
        "export function* two() {}",
        "export const { two } = { two: 2 };",
        "export { two };",
        'export * from "./small.js";',
        "export default two;",
    ],
)
def test_forms_that_would_fail_only_in_the_browser_are_refused(tmp_path: Path, form: str) -> None:
    shared = 'import shared from "../../shared.json" with { type: "json" };'
    other = f"// A file.\n\n{shared}\n{form}\n"
    write(tmp_path, other=other, small=SMALL, views='import { one } from "./other.js";\n')
    with pytest.raises(ValueError, match=re.escape(f"other.js, line 4: cannot bundle {form!r}")):
        bundle("views", tmp_path)
