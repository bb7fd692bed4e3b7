"""What GitHub and pre-commit read: workflows, issue forms, the citation; and that they say what the project says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from repository import supported_pythons
from test_environments import PROJECT, ROOT

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


def test_the_site_is_published_as_make_site_builds_it() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "site.yml").read_text())
    steps = workflow["jobs"]["build"]["steps"]
    (command,) = (step["run"] for step in steps if "sphinx" in step.get("run", ""))
    assert f"\t{command.replace('python', '$(BIN)/python', 1)}\n" in (ROOT / "Makefile").read_text()
    (folder,) = (step["with"]["path"] for step in steps if "upload" in step.get("uses", ""))
    assert command.endswith(f" {folder}")


def test_the_workflow_checks_what_make_check_checks() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text())
    steps = [step.get("run") for step in workflow["jobs"]["check"]["steps"]]
    makefile = (ROOT / "Makefile").read_text()
    commands = [
        re.sub(r"^\$\(BIN\)/", "", line.strip())
        for target in ("lint", "check")
        for line in re.search(rf"^{target}:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)[
            1
        ].splitlines()
    ]
    assert commands and [step for step in steps if step in commands] == commands
    assert ".ci/run" in [step.get("run") for step in workflow["jobs"]["everything"]["steps"]]
    assert workflow["jobs"]["check"]["strategy"]["matrix"]["python"] == supported_pythons()
    assert set(workflow["jobs"]["everything"]["strategy"]["matrix"]["python"]) <= set(
        supported_pythons()
    )


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
