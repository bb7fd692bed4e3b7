"""Make the project's addresses on the web, and the links, badge and cells that contain them.

All are derived from the address of the repository in `project.urls` of pyproject.toml. While there
is no such entry, there are no addresses.
"""

import tomllib
from pathlib import Path

_PROJECT_FILE = Path(__file__).parents[1] / "pyproject.toml"
# The branch that .github/workflows/site.yml publishes; Colab and GitHub's editor need its name
_BRANCH = "main"


def read_repository() -> str | None:
    """Read the address of the repository from pyproject.toml; None if it has none."""
    project = tomllib.loads(_PROJECT_FILE.read_text(encoding="utf-8"))["project"]
    return project.get("urls", {}).get("Repository")


def site_url(repository: str) -> str:
    """The address where GitHub publishes the site."""
    owner, name = _owner_and_name(repository).split("/")
    return f"https://{owner.lower()}.github.io/{name}/"


def binder_url(repository: str, notebook: str = "notebooks/01_data_loading.ipynb") -> str:
    """The address at which Binder launches the repository and opens a notebook."""
    place = _owner_and_name(repository)
    return f"https://mybinder.org/v2/gh/{place}/HEAD?urlpath=lab/tree/{notebook}"


def colab_url(repository: str, notebook: str) -> str:
    """The address at which Colab opens a notebook, without the rest of the repository."""
    place = _owner_and_name(repository)
    return f"https://colab.research.google.com/github/{place}/blob/{_BRANCH}/{notebook}"


def edit_url(repository: str, page: str) -> str:
    """The address at which GitHub lets one edit a page."""
    return f"https://github.com/{_owner_and_name(repository)}/edit/{_BRANCH}/{page}"


def file_url(repository: str, path: str) -> str:
    """The address at which GitHub shows a file or a folder."""
    return f"https://github.com/{_owner_and_name(repository)}/tree/{_BRANCH}/{path}"


def _owner_and_name(repository: str) -> str:
    return repository.removeprefix("https://github.com/").removesuffix("/").removesuffix(".git")


# Texts in README and the notebooks; each has another form while there is no address.


def site_link(repository: str | None) -> str:
    """The definition of README's first link, to the site or else to the first notebook."""
    target = site_url(repository) if repository else "notebooks/01_data_loading.ipynb"
    return f"[site]: {target}"


def binder_badge(repository: str | None) -> str:
    """The badge that launches the repository on Binder; empty while there is no address."""
    if not repository:
        return ""
    image = "[![Launch on Binder](https://mybinder.org/badge_logo.svg)]"
    return f"{image}({binder_url(repository)})"


_FIRST_CELL = """\
from importlib.util import find_spec

if find_spec("mnist_cnn") is None:
    raise ModuleNotFoundError(
        "This notebook needs the package mnist_cnn:"
        " {}"
        " {}"
    )"""


def first_cell(repository: str | None) -> str:
    """The first cell of every notebook, which says what to do if the package is not installed.

    On Colab it installs the package first, if the repository has an address.
    """
    if not repository:
        return _FIRST_CELL.format(
            "open it with `make lab` in the repository, or `pip install`",
            "the repository where its kernel runs.",
        )
    install = f"%pip install --quiet git+{repository}"
    on_colab = f'import sys\n\nif "google.colab" in sys.modules:\n    {install}\n\n'
    return on_colab + _FIRST_CELL.format("install it with", install)
