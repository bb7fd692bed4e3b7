"""What GitHub and pre-commit read: it has the right form, and does what the project does."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from repository import NEEDS_MAKE, PROJECT, ROOT, make_commands, supported_pythons

SCHEMAS = {
    "github-workflows": [".github/workflows/tests.yml", ".github/workflows/site.yml"],
    "github-issue-forms": [
        ".github/ISSUE_TEMPLATE/problem.yml",
        ".github/ISSUE_TEMPLATE/lesson.yml",
    ],
    "github-issue-config": [".github/ISSUE_TEMPLATE/config.yml"],
    "citation-file-format": ["CITATION.cff"],
}


def validate(schema: str, *files: Path) -> str:
    """What check-jsonschema complains of, by the schema that it brings along."""
    command = [
        Path(sys.executable).with_name("check-jsonschema"),
        "--builtin-schema",
        f"vendor.{schema}",
        *files,
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr if done.returncode else ""


@pytest.mark.parametrize("schema", SCHEMAS)
def test_files_have_the_form_that_github_expects(schema: str) -> None:
    assert validate(schema, *SCHEMAS[schema]) == ""


def test_a_file_of_another_form_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.yml").write_text("no: such thing\n")
    assert "bad.yml" in validate("github-workflows", tmp_path / "bad.yml")


def test_every_workflow_and_form_is_validated() -> None:
    there = {path.relative_to(ROOT).as_posix() for path in (ROOT / ".github").rglob("*.yml")}
    assert there == {file for files in SCHEMAS.values() for file in files} - {"CITATION.cff"}


def jobs(workflow: str) -> dict:
    """The jobs of a workflow."""
    return yaml.safe_load((ROOT / ".github" / "workflows" / workflow).read_text())["jobs"]


def commands_of(target: str) -> list[str]:
    """What make calls for a target, as one writes it where no environment lies in .venv."""
    return [command.removeprefix(".venv/bin/") for command in make_commands(target)]


@NEEDS_MAKE
def test_the_site_is_published_as_make_site_builds_it() -> None:
    steps = jobs("site.yml")["build"]["steps"]
    (command,) = commands_of("site")
    assert command in [step.get("run") for step in steps]
    (folder,) = (step["with"]["path"] for step in steps if "upload" in step.get("uses", ""))
    assert command.endswith(f" {folder}")


@NEEDS_MAKE
def test_the_workflow_checks_what_make_check_checks() -> None:
    steps = [step.get("run") for step in jobs("tests.yml")["check"]["steps"]]
    commands = commands_of("check")
    assert commands and [step for step in steps if step in commands] == commands


def test_the_workflow_tests_the_pythons_that_are_allowed() -> None:
    check, everything = jobs("tests.yml")["check"], jobs("tests.yml")["everything"]
    assert check["strategy"]["matrix"]["python"] == supported_pythons()
    assert set(everything["strategy"]["matrix"]["python"]) <= set(supported_pythons())
    assert ".ci/run" in [step.get("run") for step in everything["steps"]]


def test_pre_commit_is_make_check() -> None:
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [hook["entry"] for hook in repository["hooks"]] == ["make check"]


def test_version_and_licence_are_the_same_everywhere() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert (citation["version"], citation["license"]) == (PROJECT["version"], PROJECT["license"])
    assert (
        re.search(r"^## ([\d.]+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[1]
        == PROJECT["version"]
    )


def test_a_bug_report_asks_for_the_report() -> None:
    assert (
        "python -m mnist_cnn.report"
        in (ROOT / ".github" / "ISSUE_TEMPLATE" / "problem.yml").read_text()
    )
