"""A view on a page, used as a person uses it."""

import re
from pathlib import Path

import numpy as np
from playwright.sync_api import Locator, Page, expect

from repository import ROOT

SCREENSHOTS = ROOT / "build" / "screenshots"

STROKES = {  # on a pad of 280 by 280
    7: [[(50, 40), (120, 40), (75, 150)]],
    1: [[(200, 60), (190, 230)]],
    0: [
        [
            (140, 60),
            (95, 90),
            (85, 150),
            (110, 205),
            (150, 215),
            (185, 180),
            (195, 120),
            (175, 75),
            (140, 60),
        ]
    ],
    4: [[(60, 150), (50, 190), (110, 190)], [(105, 150), (100, 250)]],
}

_NAME_OF_FOCUSED = """() => {
  const focused = document.activeElement;
  return focused.ariaLabel || focused.labels?.[0]?.textContent || focused.textContent;
}"""


class View:
    """One of our views on a page."""

    def __init__(self, page: Page, control: str):
        """The view that has a control of that name."""
        self.page = page
        self.root = (
            page.locator(".mnist-view").filter(has=page.get_by_label(control, exact=True)).first
        )
        self.root.scroll_into_view_if_needed()
        self.slider = self.root.get_by_role("slider")
        self.status = self.root.get_by_role("status").filter(has_text=re.compile("."))
        self.canvas = self.root.locator(".mnist-pad canvas")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def select(self, label: str, option: str | int) -> None:
        self.root.get_by_label(label, exact=True).select_option(str(option))

    def button(self, name: str) -> Locator:
        return self.root.get_by_role("button", name=name)

    def cell(self, actual: int, predicted: int) -> Locator:
        """Of a confusion matrix."""
        return self.root.get_by_role(
            "button", name=re.compile(f"^actual {actual}, predicted {predicted}: ")
        )

    def release_buttons(self) -> None:
        """Release every button that is pressed, such as a chosen cell of a matrix."""
        for pressed in self.root.locator("[aria-pressed=true]").all():
            pressed.click()

    def says(self, text: str) -> None:
        try:
            expect(self.status.filter(has_text=text)).to_have_count(1)
        except AssertionError:
            raise AssertionError(f"{text!r} is not in {self.status.all_inner_texts()}") from None

    def screenshot(self, name: str) -> None:
        self.page.mouse.move(0, 0)
        self.root.screenshot(path=SCREENSHOTS / f"{name}.png")

    def pictures(self) -> list[str]:
        """What the pictures of digits are called."""
        return self.root.get_by_role("img").evaluate_all(
            "(all) => all.map((each) => each.ariaLabel)"
        )

    def ink(self, name: str) -> np.ndarray:
        """The picture of a digit, uint8 (28, 28)."""
        pixels = self.root.get_by_role("img", name=name, exact=True).evaluate(
            "(canvas) => [...canvas.getContext('2d').getImageData(0, 0, 28, 28).data]"
        )
        return (255 - np.array(pixels, "uint8").reshape(28, 28, 4))[..., 0]

    def controls(self) -> list[tuple[str, str]]:
        """The role and name of all that can be used or looked at, as a screen reader gets them."""
        roles = "application|button|slider|combobox|checkbox|img|table"
        found = (
            re.match(rf""" *- '?({roles}) ?(?:"(.*?)")?""", line)
            for line in self.root.aria_snapshot().splitlines()
        )
        return [(match[1], match[2] or "") for match in found if match]

    def stops(self) -> set[str]:
        """The names of the controls that the Tab key leads to, until it leaves the view."""
        self.root.locator("select, button, input, [tabindex='0']").first.focus()
        names = set()
        while self.root.evaluate("(view) => view.contains(document.activeElement)"):
            names.add(self.page.evaluate(_NAME_OF_FOCUSED))
            self.press("Tab")
        return names

    def draw(self, strokes: list[list[tuple[int, int]]], pointer: str = "mouse") -> None:
        """Draw as the browser does on input of that kind from the system."""
        self.canvas.scroll_into_view_if_needed()
        box = self.canvas.bounding_box()
        session = self.page.context.new_cdp_session(self.page)
        for stroke in strokes:
            points = [(box["x"] + x, box["y"] + y) for x, y in stroke]
            kinds = ["start", *["move"] * (len(points) - 1), "end"]
            for kind, (x, y) in zip(kinds, [*points, points[-1]], strict=True):
                if pointer == "touch":
                    fingers = [] if kind == "end" else [{"x": x, "y": y}]
                    session.send(
                        "Input.dispatchTouchEvent",
                        {"type": f"touch{kind.title()}", "touchPoints": fingers},
                    )
                else:
                    event = {"start": "mousePressed", "move": "mouseMoved", "end": "mouseReleased"}[
                        kind
                    ]
                    state = {
                        "button": "left",
                        "buttons": 0 if kind == "end" else 1,
                        "clickCount": 1,
                    }
                    session.send(
                        "Input.dispatchMouseEvent",
                        {"type": event, "x": x, "y": y, "pointerType": pointer, **state},
                    )
        session.detach()
        self.answered()

    def open_image(self, path: Path, by: str = "mouse") -> None:
        """Open an image file on the pad, by mouse or by keyboard."""
        button = self.button("Open an image")
        with self.page.expect_file_chooser() as chooser:
            button.click() if by == "mouse" else button.press("Enter")
        chooser.value.set_files(path)

    def answered(self) -> None:
        """Wait until the network has read everything that was drawn."""
        expect(self.canvas).to_have_attribute("aria-busy", "false")
