"""The project's addresses on the web, all from `project.urls` in pyproject.toml; without that entry there are none.

For tables.py, which writes README, and for docs/conf.py, which makes the site; so it imports
nothing of ours.
"""

import tomllib
from pathlib import Path

PROJECT = tomllib.loads(
    Path(__file__).parents[1].joinpath("pyproject.toml").read_text(encoding="utf-8")
)["project"]
# That .github/workflows/site.yml publishes; Colab and the editor of GitHub want a name
_BRANCH = "main"


def urls() -> dict[str, str]:
    """The addresses in pyproject.toml: none, or that of the repository under "Repository"."""
    return PROJECT.get("urls", {})


def site(repository: str) -> str:
    """Where GitHub publishes the site."""
    owner, name = _owner_and_name(repository).split("/")
    return f"https://{owner.lower()}.github.io/{name}/"


def binder(repository: str, notebook: str = "notebooks/01_data_loading.ipynb") -> str:
    """Where Binder launches the repository, at a notebook."""
    return (
        f"https://mybinder.org/v2/gh/{_owner_and_name(repository)}/HEAD?urlpath=lab/tree/{notebook}"
    )


def colab(repository: str, notebook: str) -> str:
    """Where Colab opens a notebook; it has nothing else of the repository."""
    return f"https://colab.research.google.com/github/{_owner_and_name(repository)}/blob/{_BRANCH}/{notebook}"


def edit(repository: str, page: str) -> str:
    """Where GitHub offers to change a page."""
    return f"https://github.com/{_owner_and_name(repository)}/edit/{_BRANCH}/{page}"


def view(repository: str, path: str) -> str:
    """Where GitHub shows a file or a folder."""
    return f"https://github.com/{_owner_and_name(repository)}/tree/{_BRANCH}/{path}"


def _owner_and_name(repository: str) -> str:
    return repository.removeprefix("https://github.com/").removesuffix("/").removesuffix(".git")
