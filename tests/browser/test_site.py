"""The site as people find it, in a folder of a server: complete, quick, quiet, and right."""

import functools
import json
import re
import shlex
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup
from PIL import Image
from playwright.sync_api import Browser, Page, expect

import addresses
import sheets
from lab import free_port
from mnist_cnn.data import Dataset
from mnist_cnn.drawing import center_in_box, find_ink, shrink
from mnist_cnn.models import build_model, predict
from mnist_cnn.runs import SHIPPED, load_run
from mnist_cnn.views import ConfusionExplorer, DrawingPad, FeatureMaps, PredictionBrowser
from notebook_files import NOTEBOOKS
from pages import Site, SitePage
from repository import ROOT
from viewing import SCREENSHOTS, STROKES, View
from views_export import save

pytestmark = pytest.mark.browser

# Parts of the module that JupyterLab and the pages use, for tests that call its functions.
_PARTS = """async (names) => {
  const folder = document.baseURI.replace(/index.html.*/, "");
  const code = await (await fetch(folder + "views/views.js")).text();
  const module = new Blob([`${code}\\nexport { ${names} };`], { type: "text/javascript" });
  Object.assign(window, await import(URL.createObjectURL(module)));
}"""


# Every page


@pytest.fixture(scope="module")
def pages(site: Site) -> dict[str, BeautifulSoup]:
    """Each page by its path in the site."""
    found = {path.relative_to(site.folder).as_posix(): path for path in site.folder.rglob("*.html")}
    return {
        name: BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for name, path in found.items()
    }


def test_all_are_here(pages: dict[str, BeautifulSoup]) -> None:
    assert {*pages} >= {
        "index.html",
        "README.html",
        "CONTRIBUTING.html",
        "CHANGELOG.html",
        "search.html",
        "teaching/README.html",
        "benchmarks/README.html",
        "notebooks/glossary.html",
        *(f"notebooks/{path.stem}.html" for path in NOTEBOOKS),
    }
    for name, page in pages.items():
        assert page.title.text.strip() and page.html["lang"] == "en", name


def test_every_link_and_anchor_leads_somewhere(site: Site, pages: dict[str, BeautifulSoup]) -> None:
    links = 0
    for name, page in pages.items():
        for tag in page.select("[href], [src]"):
            address = urljoin(site.address + name, tag.get("href") or tag.get("src"))
            if not address.startswith(site.address):
                inside = tag.name == "a" and urlsplit(address).scheme in ("http", "https", "mailto")
                # Nothing is loaded from elsewhere
                assert inside or urlsplit(address).scheme == "data", (name, tag)
                continue
            address, anchor = urldefrag(address)
            path = (
                unquote(urlsplit(address).path.removeprefix(urlsplit(site.address).path))
                or "index.html"
            )
            assert (site.folder / path).is_file(), (name, path)
            if anchor and path in pages:
                assert pages[path].find(id=unquote(anchor)) or anchor == "", (name, path, anchor)
            links += 1
    assert links > 1000


def test_every_figure_has_its_words_and_no_solution_stands_open(
    pages: dict[str, BeautifulSoup],
) -> None:
    for path in NOTEBOOKS:
        page = pages[f"notebooks/{path.stem}.html"]
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        outputs = [(cell, output) for cell in cells for output in cell.get("outputs", ())]
        shown = [
            cell["metadata"]["alt"]
            for cell, output in outputs
            if "image/png" in output.get("data", ())
        ]
        assert [
            figure["alt"] for figure in page.select("article .cell_output img")
        ] == shown and shown, path
        assert len(page.select("details")) >= 12 + 6 and not page.select("details[open]")
        assert page.select("details pre") and "```" not in page.article.text


# Dataset, addresses, tags, languages
_NOT_SHOWN = r"!\[[^]]*\]\([^)]*\)|\]\([^)]*\)|<[^>]*>|```python|\[site\].*"


def test_no_word_is_lost(pages: dict[str, BeautifulSoup]) -> None:
    sources = [*NOTEBOOKS, *(ROOT / page.replace(".html", ".md") for page in pages)]
    for path in filter(Path.exists, sources):
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".ipynb":
            cells = json.loads(text)["cells"]
            text = "\n".join(
                "".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"
            )
        text = re.sub(r"^---\n.*?\n---\n", "", text, flags=re.DOTALL)  # for search engines
        written = re.sub(_NOT_SHOWN, " ", text)
        page = pages[path.relative_to(ROOT).with_suffix(".html").as_posix()]
        words, read = (
            Counter(re.findall(r"[A-Za-z]+", each)) for each in (written, page.article.text)
        )
        assert words.total() > 100 and not words - read, (path, words - read)


def test_a_notebook_can_be_downloaded(site: Site, pages: dict[str, BeautifulSoup]) -> None:
    for path in NOTEBOOKS:
        (link,) = pages[f"notebooks/{path.stem}.html"].select("a[download]")
        copy = site.folder / "notebooks" / link["href"]
        assert copy.name == path.name and copy.read_bytes() == path.read_bytes()


def test_addresses_of_the_buttons() -> None:
    url = "https://github.com/a/mnist_cnn"
    notebook = "notebooks/02_model_building.ipynb"
    assert addresses.binder_url(url, notebook).endswith(
        "/v2/gh/a/mnist_cnn/HEAD?urlpath=lab/tree/" + notebook
    )
    assert addresses.colab_url(url, notebook).endswith("/github/a/mnist_cnn/blob/main/" + notebook)
    assert addresses.edit_url(url, notebook) == f"{url}/edit/main/{notebook}"
    assert addresses.site_url(url) == "https://a.github.io/mnist_cnn/"


# Of one kind each: text with code, controls with pictures and tables, a matrix, words, tables of
# numbers, results.
KINDS = (
    "index",
    "docs/train",
    "notebooks/01_data_loading",
    "notebooks/05_evaluation",
    "notebooks/07_inside_the_network",
    "notebooks/glossary",
    "benchmarks/README",
    "search",
)


def test_each_page_is_quiet_fits_and_keeps_nobody_out(
    browser: Browser, site: Site, pages: dict[str, BeautifulSoup]
) -> None:
    """On a desk in the light, on a phone in the dark: no message, no other host, no barrier.

    The barriers are those that axe calls serious or critical.
    """
    for name in pages:
        opened = SitePage(browser, site, name)
        page = opened.page
        place = name.removesuffix(".html")
        for width, scheme in ((1280, "light"), (390, "dark")):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            wide = page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert wide <= 0, f"{name} is {wide} pixels too wide"
            if place in KINDS:
                # Its colours are the same everywhere
                code = [] if place == KINDS[2] else [[".highlight"]]
                found = Axe().run(page, context={"exclude": code}).response
                serious = [
                    each
                    for each in found["violations"]
                    if each["impact"] in ("serious", "critical")
                ]
                assert found["passes"] and not [
                    (name, each["id"], each["nodes"][0]["html"]) for each in serious
                ]
            page.screenshot(path=SCREENSHOTS / f"site_{place.replace('/', '_')}_{width}.png")
        assert opened.complaints == []
        assert all(url.startswith((site.address, "blob:", "data:")) for url in opened.requests)
        page.close()
    assert {f"{kind}.html" for kind in KINDS} <= {*pages}


def test_it_works_with_the_network_gone(browser: Browser, site: Site) -> None:
    opened = SitePage(browser, site, "index.html")
    opened.page.context.set_offline(True)
    view = View(opened.page, "prepare it as MNIST's makers did")
    view.draw(STROKES[4])
    view.says("The network says 4, with")
    assert opened.complaints == []
    opened.page.close()


def says_why(page: Page, address: str, text: str) -> None:
    """Open a page whose view cannot be loaded, and wait until its place says so."""
    page.goto(address)
    view = page.locator("[data-view]")
    expect(view).to_contain_text(f"This view could not be loaded. {text}")
    expect(view).to_contain_text("A pad to draw a digit on")  # the sentence without JavaScript
    expect(view.locator("p")).to_have_count(1)


@pytest.mark.parametrize(
    ("file", "answer", "text"),
    [
        ("views/*.bin", {}, "The server did not send "),
        ("_static/site.js*", {}, "The server did not send site.js."),
        (
            "views/*.json",
            {"status": 404},
            "The server answers 404 to the request for FirstPage.json.",
        ),
        ("views/views.js", {"status": 503}, "The server answers 503 to the request for views.js."),
        ("_static/site.js*", {"status": 404}, "The server answers 404 to the request for site.js."),
        (
            "views/*.json",  # as a page that asks to log in
            {"body": "<html>", "content_type": "text/html; charset=utf-8"},
            "The server sent FirstPage.json as text/html, which could not be used.",
        ),
        (
            "views/views.js",
            {"body": "", "content_type": "text/plain"},
            "The server sends scripts as text/plain",
        ),
    ],
)
def test_a_view_that_cannot_be_loaded_says_why(
    browser: Browser, site: Site, file: str, answer: dict, text: str
) -> None:
    page = browser.new_page()
    page.route(f"**/{file}", lambda route: route.fulfill(**answer) if answer else route.abort())
    says_why(page, site.address + "index.html", text)
    page.close()


def test_a_page_that_was_opened_as_a_file_says_what_to_do(browser: Browser, site: Site) -> None:
    page = browser.new_page(viewport={"width": 1000, "height": 700})
    says_why(page, (site.folder / "index.html").as_uri(), "This page was opened as a file")
    expect(page.locator("[data-view] code")).to_have_text("python -m http.server --bind 127.0.0.1")
    page.screenshot(path=SCREENSHOTS / "site_opened_as_a_file.png")
    page.goto((site.folder / f"{KINDS[4]}.html").as_uri())
    expect(page.locator("[data-view]")).to_contain_text("This page was opened as a file")
    page.close()


class _Mistyped(SimpleHTTPRequestHandler):
    """Python's server on a Windows whose registry says that scripts are text/plain."""

    extensions_map: ClassVar = {".js": "text/plain"}

    def log_message(self, *_: object) -> None:
        pass


def test_scripts_of_another_type_are_named_and_the_command_helps(
    browser: Browser, site: Site
) -> None:
    page = browser.new_page(viewport={"width": 1000, "height": 700})
    with ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(_Mistyped, directory=site.folder)
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/index.html"
        says_why(page, address, "The server sends scripts as text/plain")
        page.screenshot(path=SCREENSHOTS / "site_scripts_as_text.png")
        server.shutdown()
    python, option, code = shlex.split(page.locator("[data-view] code").inner_text())
    assert (python, option) == ("python", "-c")
    port = free_port()
    mistyped = "import mimetypes; mimetypes.add_type('text/plain', '.js'); "
    code = mistyped + code.replace("bind=", f"port={port}, bind=")
    log = subprocess.PIPE
    command = [sys.executable, "-u", option, code]
    with subprocess.Popen(command, cwd=site.folder, stdout=log, stderr=log, text=True) as process:
        assert process.stdout.readline().startswith("Serving HTTP on 127.0.0.1")
        page.goto(f"http://127.0.0.1:{port}")
        expect(page.locator("[data-view] .mnist-pad")).to_be_visible()
        process.terminate()
    page.close()


def test_the_first_view_is_light(browser: Browser, site: Site) -> None:
    """Until one can draw, not more than 1.5 MB are loaded.

    A fifth of them is the page itself, where reading begins.
    """
    page = browser.new_page()
    sizes: dict[str, int] = {}
    page.on("response", lambda response: sizes.update({response.url: len(response.body())}))
    page.goto(site.address + "index.html")
    expect(page.locator(".mnist-pad")).to_be_visible()
    assert len(sizes) > 5 and sum(sizes.values()) < 1.5e6
    assert sum(size for url, size in sizes.items() if "/views/" not in url) < 3e5
    page.close()


# The network and the preparation of drawings, computed in the browser


@pytest.fixture(scope="module")
def lab_page(open_page: Callable[[str], SitePage]) -> Page:
    page = open_page("index.html").page
    page.evaluate(_PARTS, "_network, _drawing, _bytes, _pixels")
    return page


_ANSWER = """async ([name, images]) => {
  const folder = document.baseURI.replace(/index.html.*/, "") + "views/";
  const load = async (file) => new DataView(await (await fetch(folder + file)).arrayBuffer());
  const { values: { network } } = await (await fetch(`${folder}${name}.json`)).json();
  const layers = _network.unpackNetwork({ ...network, weights: await load(network.weights.file) });
  const imageOf = await _bytes.unzipImages(await load(images.file));
  const forward = (at) => _network.forward(layers, imageOf(at)).probabilities;
  return Array.from({ length: images.count }, (_, at) => [...forward(at)]);
}"""


_WHOLE_TEST_SET = pytest.param("relu", 10_000, marks=pytest.mark.rehearsal)


@pytest.mark.parametrize(
    "run, count",
    [
        ("relu", 2_000),
        ("leaky_relu", 200),
        ("improved", 200),
        ("averaged-10", 200),
        _WHOLE_TEST_SET,
    ],
)
def test_the_network_in_the_browser_answers_as_keras_does(
    lab_page: Page, site: Site, full: Dataset, run: str, count: int
) -> None:
    model = load_run(SHIPPED / f"{run}.npz").load_model()
    save(FeatureMaps(model, full.x_test, full.y_test), site.folder / "views", f"test-{run}")
    state = json.loads((site.folder / "views" / f"test-{run}.json").read_text())
    lab_page.set_default_timeout(300_000)
    answers = np.array(
        lab_page.evaluate(_ANSWER, [f"test-{run}", state["values"]["images"] | {"count": count}])
    )
    expected = predict(model, full.x_test[:count])
    assert answers.shape == (count, 10)
    assert np.array_equal(answers.argmax(axis=1), expected.argmax(axis=1))
    assert np.abs(answers - expected).max() < 1e-4


_PREPARE = """async (side) => {
  const bytes = new Uint8Array(await (await fetch("drawings.bin")).arrayBuffer());
  const prepared = [];
  for (let at = 0; at < bytes.length; at += 4 * side * side) {
    const data = bytes.subarray(at, at + 4 * side * side);
    const ink = _drawing.findInk({ data, width: side, height: side });
    prepared.push(..._drawing.centerInBox(ink), ..._drawing.shrink(ink));
  }
  // Quicker to send than numbers
  return Array.from(prepared, (ink) => String.fromCharCode(ink)).join("");
}"""


def test_the_browser_prepares_a_thousand_drawings_as_python_does(
    lab_page: Page, site: Site, full: Dataset
) -> None:
    """Of many sizes, places, colours and opacities, on paper with grain."""
    rng = np.random.default_rng(0)
    side = 140
    sheets = np.zeros((1000, side, side, 4), "uint8")
    for sheet, image in zip(sheets, full.x_test, strict=False):
        size = rng.integers(10, 120, 2)
        top, left = (rng.integers(0, side - each) for each in size)
        ink = np.asarray(Image.fromarray(image).resize(size[::-1].tolist()))
        paper = np.array((*rng.integers(8, 248, 3), rng.choice([0, 255])))
        # Never quite even
        sheet[:] = paper + rng.integers(-8, 9, sheet.shape) * (paper > 0) * [1, 1, 1, 0]
        inked = sheet[top : top + size[0], left : left + size[1]]
        inked[ink > 100] = (*rng.integers(0, 256, 3), 255)
        inked[(ink > 20) & (ink <= 100)] = (*rng.integers(0, 256, 3), rng.integers(0, 256))
    (site.folder / "drawings.bin").write_bytes(sheets.tobytes())
    prepared = np.frombuffer(lab_page.evaluate(_PREPARE, side).encode("latin-1"), "uint8").reshape(
        1000, 2, 784
    )
    inks = [find_ink(sheet) for sheet in sheets]
    expected = np.array([(center_in_box(ink).ravel(), shrink(ink).ravel()) for ink in inks])
    apart = np.abs(prepared.astype(int) - expected)
    # Of 255; of a million and a half pixels
    assert apart.max() <= 1 and np.count_nonzero(apart) < 1000


def test_the_browser_leaves_out_what_python_leaves_out(
    lab_page: Page, site: Site, full: Dataset
) -> None:
    """On sheets with dirt, frames, rules and shadows: bit by bit."""
    side = sheets.SIDE
    kinds = [*sheets.KINDS]
    pages = np.full((len(kinds), side, side, 4), 255, "uint8")
    for at, kind in enumerate(kinds):
        pages[at, ..., :3] = sheets.make_sheet(kind, full.x_train[-1 - at], at)
    (site.folder / "drawings.bin").write_bytes(pages.tobytes())
    prepared = np.frombuffer(lab_page.evaluate(_PREPARE, side).encode("latin-1"), "uint8")
    inks = [find_ink(sheet) for sheet in pages]
    expected = np.array([(center_in_box(ink).ravel(), shrink(ink).ravel()) for ink in inks])
    apart = np.abs(prepared.reshape(expected.shape).astype(int) - expected)
    # Of 255; where sums of products round to another whole number
    assert apart.max() <= 1 and np.count_nonzero(apart) < 100


# A drawing that is saved

_PACK = """async ([width, height]) => {
  const pixels = new ImageData(width, height);
  crypto.getRandomValues(pixels.data.subarray(0, 60_000));
  const text = await _pixels.pack(pixels);
  const again = await _pixels.unpack(text, 280);
  return [[again.width, again.height], again.data.every((value, at) => value === pixels.data[at])];
}"""
_UNPACK = """async (text) => {
  const { width, height, data } = await _pixels.unpack(text, 280);
  return [width, height, data.some((value) => value)];
}"""


@pytest.mark.parametrize("size", [[280, 280], [280, 93], [1, 280]])
def test_a_drawing_is_saved_as_it_is(lab_page: Page, size: list[int]) -> None:
    assert lab_page.evaluate(_PACK, size) == [size, True]


@pytest.mark.parametrize(
    "saved",
    [
        "data:image/png;base64,iVBORw0KGgo=",  # as versions before 0.4.0 did
        "280x280:not base64",
        "280x280:AAAA",
        "280x280:H4sIAAAAAAAAAwMAAAAAAAAAAAA=",  # nothing, compressed
    ],
)
def test_what_was_saved_by_others_is_an_empty_sheet(lab_page: Page, saved: str) -> None:
    assert lab_page.evaluate(_UNPACK, saved) == [280, 280, False]


# Views of other images, with names that must not be taken for HTML


def test_views_speak_of_other_names(browser: Browser, site: Site, sample: Dataset) -> None:
    names = ("ring", "<b>line</b>", "swan & co")
    chosen = np.flatnonzero(sample.y_test < 3)
    images, labels = sample.x_test[chosen], sample.y_test[chosen]
    model = build_model("small_batch_norm", classes=3)
    probabilities = predict(model, images)
    guesses = np.roll(labels, 1)
    views = {
        "PredictionBrowser": PredictionBrowser(
            images, labels, {"<i>net</i>": probabilities}, names
        ),
        "ConfusionExplorer": ConfusionExplorer(images, labels, guesses, names=names),
        "DrawingPad": DrawingPad(model, names),
        "FeatureMaps": FeatureMaps(model, images, labels, names),
    }
    for kind, view in views.items():
        save(view, site.folder / "views", f"Shapes{kind}")
    places = "".join(f'<div data-view="Shapes{kind}"></div>' for kind in views)
    script = '<script type="module" src="_static/site.js"></script>'
    (site.folder / "shapes.html").write_text(
        f'<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">{script}{places}'
    )
    opened = SitePage(browser, site, "shapes.html")
    predictions = View(opened.page, "show")
    # One is not asked which
    expect(predictions.root.get_by_label("of network", exact=True)).to_be_hidden()
    predictions.select("actual", 1)
    predictions.says("actual <b>line</b>. <i>net</i> ")
    heads = predictions.root.get_by_role("rowheader").all_inner_texts()
    assert heads == list(names)
    explorer = View(opened.page, "page")
    explorer.root.get_by_role("button", name="actual <b>line</b>, predicted <b>line</b>: ").click()
    explorer.says("Actual <b>line</b>, read right: ")
    assert explorer.pictures()[0].startswith("<b>line</b> → <b>line</b>, no. ")
    says = (
        "This network knows ring, <b>line</b>, swan & co. "
        "The pad and its preparation are made for digits."
    )
    View(opened.page, "prepare it as MNIST's makers did").says(says)
    guess = names[probabilities[0].argmax()]
    said = f"Image 0, labelled {names[labels[0]]}; the network says {guess}, with"
    View(opened.page, "convolution").says(said)
    expect(
        opened.page.locator(".mnist-view b, .mnist-view i:not(.mnist-pad i, .mnist-framed i)")
    ).to_have_count(0)
    assert opened.complaints == []
    opened.page.close()
    (site.folder / "shapes.html").unlink()
