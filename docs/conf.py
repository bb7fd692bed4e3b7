"""How Sphinx makes the site of the notebooks as they are saved, from the whole repository: `make site`."""

import json
import re
import sys
from functools import cache
from pathlib import Path

from docutils import nodes
from sphinx.addnodes import download_reference, pending_xref
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder

sys.path.append(str(Path(__file__).parent))

import addresses
from mnist_cnn.data import Dataset, load_images
from mnist_cnn.exceptions import DataError

REPOSITORY = addresses.read_repository()

project = "mnist_cnn"
html_title = "How a network reads digits"
extensions = ["myst_nb", "sphinx_copybutton"]
root_doc = "docs/index"
# By name: a checkout also holds environments, data and copies, with pages of their own
include_patterns = [
    "docs/index.md",
    "docs/other_images.md",
    "notebooks/0*.ipynb",
    "notebooks/glossary.md",
    "README.md",
    "teaching/README.md",
    "benchmarks/README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
]
exclude_patterns = ["*/*/*"]  # not even searched: it takes long

nb_execution_mode = "off"
highlight_language = "none"  # of code whose language is not named: commands
myst_disable_syntax = ["myst_line_comment"]  # a line that happens to begin with a % sign is text
myst_heading_anchors = 3  # links lead to headings as they do on GitHub

html_theme = "furo"
pygments_dark_style = "a11y-dark"  # Furo's own choice underlines modules like links
html_theme_options = {"top_of_page_buttons": []}  # those of a notebook are in templates/page.html
templates_path = ["templates"]
if REPOSITORY:  # where a notebook can be run and changed, for the template: its path follows
    html_context = {
        name: getattr(addresses, name)(REPOSITORY, "") for name in ("binder", "colab", "edit")
    }
    html_context["repository"] = REPOSITORY
html_favicon = "icon.svg"
html_static_path = ["site.css", "site.js", "../src/mnist_cnn/views/browser/views.css"]
html_css_files = ["views.css", "site.css"]
html_js_files = [("site.js", {"type": "module"})]
# The copy of a source keeps its name: that of a notebook is what one downloads
html_sourcelink_suffix = ""
html_use_index = html_show_copyright = False
copybutton_selector = ":not(.output) > div.highlight > pre"  # what one can run, not what it printed


class Site(StandaloneHTMLBuilder):
    """Sphinx's own, but the first page, docs/index.md, becomes index.html: servers look for it
    there.
    """

    def get_target_uri(self, docname: str, typ: str | None = None) -> str:
        return super().get_target_uri("index" if docname == root_doc else docname, typ)

    def get_output_path(self, page_name: str, /) -> Path:
        return super().get_output_path("index" if page_name == root_doc else page_name)


@cache
def digits() -> Dataset:
    """MNIST, for the views; without it there is no site."""
    try:
        return load_images(source="full")
    except (DataError, OSError) as error:
        sys.exit(f"The site needs MNIST for its views. {error}")


def check_sources(app: Sphinx) -> None:
    """Stop at once, in a sentence, if the site would lack figures or views.

    By `sys.exit`, as Sphinx puts a traceback around every error, and asks to report it.
    """
    for path in sorted(Path(app.srcdir, "notebooks").glob("0*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        lacking = [cell for cell in cells if cell["cell_type"] == "code" and lacks_output(cell)]
        if lacking:
            first = "".join(lacking[0]["source"]).splitlines()[0]
            sys.exit(
                f"notebooks/{path.name} was saved without all of its outputs; the first that is "
                f"missing is that of the cell `{first}`. Make them again with `make notebooks`, "
                f"or take what git has with `git checkout notebooks/{path.name}`."
            )
    if app.builder.format == "html":
        digits()
        if "tensorflow" in sys.modules:  # which the download needs
            app.parallel = 1  # Sphinx must not fork a process with TensorFlow's threads


def lacks_output(cell: dict) -> bool:
    """Whether a cell of code was not run, or has lost the figure or view that it makes."""
    source = "".join(cell["source"]).strip()
    outputs = [output.get("data", {}) for output in cell["outputs"]]
    # That of an exercise comes with the right answer
    has_figure = "alt" in cell["metadata"] and "answer" not in cell["metadata"].get("tags", ())
    has_view = re.match(r"[A-Z]\w*\(", source.rpartition("\n")[2])
    return bool(
        (source and cell["execution_count"] is None)
        or (has_figure and not any("image/png" in data for data in outputs))
        or (has_view and not any("text/html" in data for data in outputs))
    )


def describe_figures(app: Sphinx, docname: str, source: list[str]) -> None:
    """Give MyST-NB a cell's text for those who cannot see its figures where it looks for it."""
    if app.env.doc2path(docname).suffix == ".ipynb":
        notebook = json.loads(source[0])
        for cell in notebook["cells"]:
            if alt := cell["metadata"].get("alt"):
                cell["metadata"]["mystnb"] = {"image": {"alt": alt}}
        source[0] = json.dumps(notebook)


def lead_elsewhere(app: Sphinx, doctree: nodes.document) -> None:
    """Lead from here to files that are no pages, and load nothing from other hosts: of a badge the
    words stay.
    """
    for link in list(
        doctree.findall(lambda node: isinstance(node, pending_xref | download_reference))
    ):
        path = Path(app.env.relfn2path(link["reftarget"])[1])
        if path.exists() and not link.get("refdomain"):
            if REPOSITORY:
                address = addresses.view(REPOSITORY, path.relative_to(app.srcdir).as_posix())
                link.replace_self(nodes.reference("", "", *link.children, refuri=address))
            # Without an address files are copied to the site, but folders are not
            elif path.is_dir():
                link.replace_self(link.children)
    for image in list(doctree.findall(nodes.image)):
        if "://" in image["uri"]:
            image.replace_self(nodes.Text(image["alt"]))


def add_views(app: Sphinx, exception: Exception | None) -> None:
    """Everything that docs/site.js loads."""
    if exception is None and app.builder.format == "html":
        # Not before: it imports TensorFlow, and Sphinx works in forks of this process
        from views_export import export

        export(Path(app.outdir) / "views", digits())


def setup(app: Sphinx) -> None:
    app.add_builder(Site, override=True)
    app.connect("builder-inited", check_sources)
    app.connect("source-read", describe_figures)
    # Before Sphinx collects files to copy
    app.connect("doctree-read", lead_elsewhere, priority=400)
    app.connect("build-finished", add_views)
