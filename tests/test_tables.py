"""The tables of the benchmarks: every page shows them, and they follow what was measured."""

import re
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import nbformat
import pytest

import fill_pages
import tables
from benchmark_results import RESULTS, ROWS
from compared import STUDY_RECIPES
from mnist_cnn.exceptions import StudyError
from repository import copy_repository
from schema import Results

TEXTS = fill_pages.generate_texts(RESULTS, fill_pages.addresses.read_repository())


def read_texts(page: Path) -> list[str]:
    """The text of a page in Markdown, or that of each cell of a notebook."""
    if page.suffix == ".md":
        return [page.read_text(encoding="utf-8")]
    return [cell.source for cell in nbformat.read(page, as_version=4).cells]


@pytest.mark.parametrize(
    "page", fill_pages.PAGES, ids=lambda page: f"{page.parent.name}/{page.name}"
)
def test_pages_show_the_results(page: Path) -> None:
    texts = read_texts(page)
    assert texts == [fill_pages.fill(text, TEXTS) for text in texts], "run `make tables`"


def test_every_table_is_on_a_page() -> None:
    everything = "".join(text for page in fill_pages.PAGES for text in read_texts(page))
    places = fill_pages.PLACE.findall(everything)
    assert {name for _, name, _ in places} == set(TEXTS)
    assert len(places) == everything.count("<!-- bench: ")
    assert len(places) == everything.count("<!-- end of bench -->")


def test_filling_leaves_the_rest_of_a_page_alone() -> None:
    place = "<!-- bench: {} -->\n<!-- end of bench -->"
    empty = f"before\n{place.format('recipe_table')}\nbetween\n{place.format('speed_table')}\nafter"
    filled = fill_pages.fill(empty, TEXTS)
    assert fill_pages.fill(filled, TEXTS) == filled
    assert [line for line in filled.splitlines() if not line.startswith("|")] == empty.splitlines()


def test_there_are_no_validation_accuracies_of_the_article_by_seed() -> None:
    """Its test accuracies may not stand in for them."""
    with pytest.raises(ValueError, match="test accuracy is known, no other"):
        tables.accuracies(RESULTS, "article", "validation")


def test_tables_follow_the_results() -> None:
    altered = deepcopy(RESULTS)
    for row in altered["rows"]:
        row |= {"seconds_per_epoch": 12345.6, "seconds_total": 98765}
    altered["test"] = {recipe: dict.fromkeys(range(3), 12.34) for recipe in STUDY_RECIPES}
    recipe_table = tables.recipe_table(altered)
    assert recipe_table.count("12.34 ± 0.00 % (3 seeds)") == 3
    assert "| relu, ours | 12.34 ±" in recipe_table
    assert recipe_table.count("98,765 s") == 4
    assert tables.speed_table(altered).count("12345.6 s") == len(ROWS)


def test_no_table_has_an_empty_cell() -> None:
    rows = [line for text in TEXTS.values() for line in text.splitlines() if line.startswith("| ")]
    heads = [row for row in rows if row.startswith("|  |")]
    assert len(rows) > 50 and len(heads) == 6
    assert not [row for row in rows if row not in heads and re.search(r"\|\s*\||None", row)]


def test_pages_are_written_only_where_a_table_changes(tmp_path: Path) -> None:
    pages = fill_pages.PAGES
    copies = [tmp_path / f"{page.parent.name}-{page.name}" for page in pages]
    for page, copy in zip(pages, copies, strict=True):
        copy.write_bytes(page.read_bytes())
    first_cell = fill_pages.addresses.first_cell(fill_pages.addresses.read_repository())
    fill_pages.fill_pages(copies, TEXTS, first_cell)
    assert [copy.read_bytes() for copy in copies] == [page.read_bytes() for page in pages]
    altered = deepcopy(RESULTS)
    for row in altered["rows"]:
        row["images_per_second"] = 123_456_789
    fill_pages.fill_pages(copies, fill_pages.generate_texts(altered, None), first_cell)
    changed = set()
    for page, copy in zip(pages, copies, strict=True):
        before, after = read_texts(page), read_texts(copy)
        if before != after:
            changed.add(f"{page.parent.name}/{page.name}")
        outside_of_places = [fill_pages.PLACE.sub("", text) for text in before]
        assert outside_of_places == [fill_pages.PLACE.sub("", text) for text in after]
    assert changed == {"benchmarks/README.md", "notebooks/02_model_building.ipynb"}


@pytest.mark.slow
def test_make_tables_fills_an_empty_place(tmp_path: Path) -> None:
    """The script finds its modules when it is called as `make tables` calls it."""
    copy_repository(tmp_path)
    readme = tmp_path / "README.md"
    before = readme.read_text(encoding="utf-8")
    readme.write_text(fill_pages.PLACE.sub(r"\1\3", before), encoding="utf-8")
    assert readme.read_text(encoding="utf-8") != before
    subprocess.run([sys.executable, "docs/fill_pages.py"], cwd=tmp_path, check=True, timeout=300)
    assert readme.read_text(encoding="utf-8") == before


def test_two_studies_in_one_file_end_make_tables_with_a_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def load_measurements() -> Results:
        raise StudyError("study.jsonl holds more than one study.")

    monkeypatch.setattr(fill_pages, "load_measurements", load_measurements)
    with pytest.raises(SystemExit, match=r"^study\.jsonl holds more than one study\.$"):
        fill_pages.main()
