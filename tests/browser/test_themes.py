"""The colours of a view, on the site: they follow the theme, and can be seen."""

import re

import pytest
import wcag_contrast_ratio

from mnist_cnn.shared import SHARED
from viewing import View

pytestmark = pytest.mark.browser

# How each theme is switched on, and off again.
THEMES = {
    "the site": (
        "() => (document.body.dataset.theme = 'dark')",
        "() => (document.body.dataset.theme = 'light')",
    ),
    "JupyterLab": (
        "() => (document.body.dataset.jpThemeLight = 'false')",
        "() => (document.body.dataset.jpThemeLight = 'true')",
    ),
}

_COLORS = """(view) => {
  const styles = (selector) =>
    [...view.querySelectorAll(selector)].map((each) => getComputedStyle(each));
  return {
    frames: styles(".mnist-pad i, .mnist-framed i").map((style) => style.borderTopColor),
    page: getComputedStyle(document.body).backgroundColor,
  };
}"""


def channels(color: str) -> tuple[float, float, float]:
    """Red, green and blue in 0..1 of a colour, as a browser computes it or as it is written."""
    if color.startswith("#"):
        return tuple(int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    numbers = [float(number) for number in re.findall(r"[\d.]+", color)[:3]]
    return tuple(number if color.startswith("color(srgb") else number / 255 for number in numbers)


def frames_are(view: View, theme: str) -> str:
    """Check that all frames have the theme's colour; return the page's."""
    found = view.root.evaluate(_COLORS)
    assert len(found["frames"]) == 4  # the pen, a map, a pixel of it, and the window below that
    for color in found["frames"]:
        expected = channels(SHARED["colors"][theme]["wrong"])
        assert channels(color) == pytest.approx(expected, abs=0.005), theme
    return found["page"]


@pytest.mark.parametrize("theme", THEMES)
def test_frames_follow_the_theme_while_a_view_is_shown(maps: View, theme: str) -> None:
    darken, lighten = THEMES[theme]
    frames_are(maps, "light")
    maps.page.evaluate(darken)
    frames_are(maps, "dark")
    maps.screenshot(f"07_dark_{theme.replace(' ', '_')}")
    maps.page.evaluate(lighten)
    frames_are(maps, "light")


def test_frames_follow_the_system_unless_the_reader_has_chosen(maps: View) -> None:
    for chosen, theme in {"auto": "dark", "light": "light", "dark": "dark"}.items():
        maps.page.emulate_media(color_scheme="dark")
        maps.page.evaluate("(theme) => (document.body.dataset.theme = theme)", chosen)
        frames_are(maps, theme)
    maps.page.emulate_media(color_scheme="light")
    maps.page.evaluate("() => (document.body.dataset.theme = 'auto')")
    frames_are(maps, "light")


def test_colours_of_the_dark_can_be_seen_on_the_page_and_on_paper(maps: View) -> None:
    """By WCAG 2.2, criteria 1.4.3 and 1.4.11: text needs a contrast of 4.5, a frame of 3."""
    maps.page.evaluate("() => (document.body.dataset.theme = 'dark')")
    page = channels(frames_are(maps, "dark"))
    maps.page.evaluate("() => (document.body.dataset.theme = 'auto')")
    right, wrong = (channels(SHARED["colors"]["dark"][name]) for name in ("right", "wrong"))
    assert wcag_contrast_ratio.rgb(right, page) >= 4.5
    assert wcag_contrast_ratio.rgb(wrong, page) >= 4.5
    assert wcag_contrast_ratio.rgb(wrong, (1, 1, 1)) >= 3  # digits lie on white paper
    assert wcag_contrast_ratio.rgb(right, wrong) >= 1.5  # in grey, too
