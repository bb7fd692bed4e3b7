"""Binder without Docker: what repo2docker plans is done here, and started as a hub starts it.

What differs from Binder: packages of conda come from PyPI, in the same versions; all folders lie in
a temporary one; MNIST is already where Keras would download it to, if MNIST_NPZ names a file; the
server listens to this machine alone.
"""

import os
import re
import secrets
import shlex
import string
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import yaml

from lab import free_port
from newcomer import USER_ID, Newcomer, Session, newcomer_in
from repository import ROOT

_CONDA = files("repo2docker.buildpacks.conda")
_ENTRYPOINT = files("repo2docker.buildpacks") / "repo2docker-entrypoint"
_FROM_PYPI = {"jupyterhub-singleuser": "jupyterhub"}  # packages that have another name there


@dataclass(frozen=True)
class Plan:
    """What repo2docker would do."""

    python: str  # as in "3.11"
    environment_file: str  # whose packages it installs
    variables: dict[str, str]  # of the environment
    folder: str  # of the repository, where a session starts
    scripts: list[str]  # what it calls there, as the user, when the packages are installed

    def base_packages(self) -> list[str]:
        """What every image has before it gets our packages, as repo2docker's lock file says."""
        environment = _CONDA.joinpath(f"environment.py-{self.python}.yml").read_text()
        names = yaml.safe_load(environment)["dependencies"]
        lock = _CONDA.joinpath(f"environment.py-{self.python}-linux-64.lock").read_text()
        versions = dict(re.findall(r"/([^/\s]+)-([^-\s]+)-[^-\s]+\.conda", lock))
        wanted = {re.split("[=<>]", name)[0] for name in names} - {"python", "nodejs", "pip"}
        return [f"{_FROM_PYPI.get(name, name)}=={versions[name]}" for name in sorted(wanted)]


def make_plan() -> Plan:
    """Ask repo2docker, as BinderHub calls it, for its plan."""
    command = [Path(sys.executable).with_name("jupyter-repo2docker"), "--no-build", "--debug"]
    command += ["--user-id", str(USER_ID), "--user-name", "jovyan", "."]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=600
    )
    said = done.stdout + done.stderr
    dockerfile = said[said.index("FROM ") :].replace("\\\n", " ")
    variables = {"NB_USER": "jovyan", "NB_UID": str(USER_ID), "PATH": "/usr/bin:/bin"}
    for settings in re.findall(r"^(?:ENV|ARG) (.*)", dockerfile, re.MULTILINE):
        for name, value in (word.split("=", 1) for word in shlex.split(settings) if "=" in word):
            variables[name] = string.Template(value).substitute(variables)
    (folder,) = re.findall(r"^WORKDIR (.*)", dockerfile, re.MULTILINE)
    assert f"COPY --chown={USER_ID}:{USER_ID} src/ " in dockerfile, (
        "the repository's copy is somebody else's"
    )
    return Plan(
        python=re.search(r"Building conda environment for python=([\d.]+)", said)[1],
        environment_file=re.search(r'env update .* --file "(.*?)"', dockerfile)[1],
        variables=variables,
        folder=string.Template(folder).substitute(variables),
        scripts=re.findall(r"^RUN (.*)", dockerfile.rpartition("USER ${NB_USER}")[2], re.MULTILINE),
    )


class Image:
    """What Binder would build of the repository, in the folder of a newcomer."""

    def __init__(self, plan: Plan, user: Newcomer):
        """Make the environment, copy the repository, call its scripts."""
        self.plan = plan
        self.user = user
        self.repository = user.clone(user.folder / plan.folder.lstrip("/"))
        if data := os.environ.get("MNIST_NPZ"):
            user.copy(Path(data), user.home / ".keras" / "datasets" / "mnist.npz")
        prefix = Path(user.environment["NB_PYTHON_PREFIX"])
        prefix.parent.mkdir(parents=True)
        user.give(prefix.parent)
        user.make_environment(prefix, *plan.base_packages(), version=plan.python)
        *_, pip = yaml.safe_load((self.repository / plan.environment_file).read_text())[
            "dependencies"
        ]
        self.run("python", "-m", "pip", "install", "--quiet", "--no-compile", *pip["pip"])
        for script in plan.scripts:
            self.run("bash", "-c", script)

    def run(self, *command: str) -> str:
        """Call a command where a session starts; return what it prints."""
        return self.user.run(*command, folder=self.repository)

    def start(self) -> Session:
        """Start JupyterLab as BinderHub does.

        That is written in binderhub/binderspawner_mixin.py and helm-chart/binderhub/values.yaml.
        """
        port = free_port()
        token = secrets.token_hex(16)
        base = f"/user/somebody-mnist_cnn-{secrets.token_hex(4)}"
        command = ["python", str(_ENTRYPOINT), "jupyter-lab", "--ip=127.0.0.1", f"--port={port}"]
        for option in (f"base_url={base}/", f"token={token}", "trust_xheaders=True"):
            command += [f"--NotebookApp.{option}", f"--ServerApp.{option}"]
        return Session(self.user, command, self.repository, f"http://127.0.0.1:{port}{base}", token)


@contextmanager
def built_image() -> Iterator[Image]:
    """An image, removed at the end."""
    plan = make_plan()
    with newcomer_in("binder") as user:
        inside = {
            name: re.sub(r"(?<![\w.])/(?=srv/|home/)", f"{user.folder}/", value)
            for name, value in plan.variables.items()
        }
        yield Image(plan, Newcomer(user.folder, inside))
