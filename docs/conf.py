"""Configure Sphinx: `make site` builds the site from the notebooks as they are saved."""

import json
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.addnodes import download_reference, pending_xref
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder

sys.path.append(str(Path(__file__).parent))

import addresses
from mnist_cnn.data import Dataset, load_images
from mnist_cnn.exceptions import DataError

REPOSITORY = addresses.read_repository()  # None until pyproject.toml names it

project = "mnist_cnn"
html_title = "How a network reads digits"
extensions = ["myst_nb", "sphinx_copybutton"]
root_doc = "docs/index"
# The pages of the site, listed one by one because a checkout may also hold environments, data and
# copies with Markdown files and notebooks of their own
include_patterns = [
    "docs/index.md",
    "docs/train.md",
    "docs/other_images.md",
    "docs/training.md",
    "notebooks/0*.ipynb",
    "notebooks/glossary.md",
    "README.md",
    "teaching/README.md",
    "benchmarks/README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
]
exclude_patterns = ["*/*/*"]  # searching deeper folders would take long

nb_execution_mode = "off"
highlight_language = "none"  # code blocks that name no language are commands
myst_disable_syntax = ["myst_line_comment"]  # a line that happens to begin with a % sign is text
myst_heading_anchors = 3  # makes the anchors that links to headings use on GitHub

html_theme = "furo"
pygments_dark_style = "a11y-dark"  # Furo's own choice underlines modules like links
# templates/page.html has buttons of our own
html_theme_options: dict[str, Any] = {"top_of_page_buttons": []}
templates_path = ["templates"]
if REPOSITORY:
    # Addresses to which templates/page.html appends the path of a page
    html_context = {
        "repository": REPOSITORY,
        "binder_url": addresses.binder_url(REPOSITORY, ""),
        "colab_url": addresses.colab_url(REPOSITORY, ""),
        "edit_url": addresses.edit_url(REPOSITORY, ""),
    }
html_favicon = "icon.svg"
html_static_path = ["site.css", "site.js", "../src/mnist_cnn/views/browser/views.css"]
html_css_files = ["views.css", "site.css"]
html_js_files = [("site.js", {"type": "module"})]
# Sources are copied under their own names: the copy of a notebook is what one downloads
html_sourcelink_suffix = ""
html_use_index = html_show_copyright = False
copybutton_selector = ":not(.output) > div.highlight > pre"  # code, but not what it printed


class SiteBuilder(StandaloneHTMLBuilder):
    """Sphinx's HTML builder, except that docs/index.md becomes index.html, as servers expect."""

    def get_target_uri(self, docname: str, typ: str | None = None) -> str:
        return super().get_target_uri("index" if docname == root_doc else docname, typ)

    def get_output_path(self, page_name: str, /) -> Path:
        return super().get_output_path("index" if page_name == root_doc else page_name)


@cache
def load_mnist() -> Dataset:
    """Load MNIST for the views; without it, stop the build and say why."""
    try:
        return load_images(source="full")
    except (DataError, OSError) as error:
        sys.exit(f"The site needs MNIST for its views. {error}")


def check_sources(app: Sphinx) -> None:
    """Stop the build at once, in a sentence, if figures or views would be missing on the site.

    It calls `sys.exit`, as Sphinx would print a traceback of an exception and ask to report it.
    """
    for path in sorted(Path(app.srcdir, "notebooks").glob("0*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        for cell in cells:
            if cell["cell_type"] == "code" and lacks_output(cell):
                first_line = "".join(cell["source"]).splitlines()[0]
                sys.exit(
                    f"notebooks/{path.name} was saved without all of its outputs; the first that "
                    f"is missing is that of the cell `{first_line}`. Make them again with `make "
                    f"notebooks`, or take what git has with `git checkout notebooks/{path.name}`."
                )
    if app.builder.format == "html":
        load_mnist()
        if "tensorflow" in sys.modules:  # imported to download MNIST
            app.parallel = 1  # Sphinx must not fork a process with TensorFlow's threads


def lacks_output(cell: dict[str, Any]) -> bool:
    """Whether a code cell was not run, or has lost the figure or view that it makes."""
    source = "".join(cell["source"]).strip()
    if source and cell["execution_count"] is None:
        return True
    media_types = {kind for output in cell["outputs"] for kind in output.get("data", ())}
    # The figure of an exercise appears only with the right answer
    is_exercise = "answer" in cell["metadata"].get("tags", ())
    if "alt" in cell["metadata"] and not is_exercise and "image/png" not in media_types:
        return True
    last_line = source.rpartition("\n")[2]
    shows_view = bool(re.match(r"[A-Z]\w*\(", last_line))  # as in DrawingPad(model)
    return shows_view and "text/html" not in media_types


def describe_figures(app: Sphinx, docname: str, source: list[str]) -> None:
    """Pass the descriptions of figures, which are the cells' `alt`, on to MyST-NB."""
    if app.env.doc2path(docname).suffix == ".ipynb":
        notebook = json.loads(source[0])
        for cell in notebook["cells"]:
            if alt := cell["metadata"].get("alt"):
                cell["metadata"]["mystnb"] = {"image": {"alt": alt}}
        source[0] = json.dumps(notebook)


def link_to_repository(app: Sphinx, doctree: nodes.document) -> None:
    """Let links to files that are not pages lead to the repository on GitHub.

    While the repository has no address, Sphinx copies such files to the site; folders, which it
    cannot copy, lose their links.
    """
    links = doctree.findall(lambda node: isinstance(node, pending_xref | download_reference))
    for link in list(links):
        path = Path(app.env.relfn2path(link["reftarget"])[1])
        if not path.exists() or link.get("refdomain"):
            continue
        if REPOSITORY:
            address = addresses.file_url(REPOSITORY, path.relative_to(app.srcdir).as_posix())
            link.replace_self(nodes.reference("", "", *link.children, refuri=address))
        elif path.is_dir():
            link.replace_self(link.children)


def replace_remote_images(app: Sphinx, doctree: nodes.document) -> None:
    """Replace badges by their text, so that pages load nothing from other hosts."""
    for image in list(doctree.findall(nodes.image)):
        if "://" in image["uri"]:
            image.replace_self(nodes.Text(image["alt"]))


def export_views(app: Sphinx, exception: Exception | None) -> None:
    """Write the files from which docs/site.js shows the views."""
    if exception is None and app.builder.format == "html":
        # Imported as late as this because it loads TensorFlow, and Sphinx forks this process
        from views_export import export

        export(Path(app.outdir) / "views", load_mnist())


def setup(app: Sphinx) -> None:
    """Connect the functions above to the steps of the build; Sphinx calls this."""
    app.add_builder(SiteBuilder, override=True)
    app.connect("builder-inited", check_sources)
    app.connect("source-read", describe_figures)
    # These run before Sphinx collects files to copy, which has priority 500
    app.connect("doctree-read", link_to_repository, priority=400)
    app.connect("doctree-read", replace_remote_images, priority=400)
    app.connect("build-finished", export_views)
