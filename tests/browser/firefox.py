"""The Firefox of this machine, driven by WebDriver BiDi (https://w3c.github.io/webdriver-bidi)."""

import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Self

from websocket import create_connection

NO_FIREFOX = "there is no Firefox here: apt install firefox-esr"

# Waits until an element has that text, for at most half a minute; resolves to the texts of all.
_SAYS = """async ([selector, text, seconds]) => {
  for (const end = Date.now() + 1000 * seconds; ; ) {
    const texts = [...document.querySelectorAll(selector)].map((each) => each.textContent);
    if (Date.now() > end || texts.some((each) => each.includes(text))) return texts;
    await new Promise((done) => setTimeout(done, 50));
  }
}"""

_CORNER = """(selector) => {
  const element = document.querySelector(selector);
  element.scrollIntoView({ block: "center", behavior: "instant" });
  const { x, y } = element.getBoundingClientRect();
  return [x, y];
}"""


def find() -> str | None:
    """The path of the program."""
    return shutil.which("firefox-esr") or shutil.which("firefox")


class Firefox:
    """One page in a headless Firefox with a fresh profile; a context manager that ends it."""

    def __init__(self, profile: Path, preferences: dict[str, object]):
        lines = [
            f"user_pref({json.dumps(name)}, {json.dumps(value)});\n"
            for name, value in preferences.items()
        ]
        profile.mkdir()
        (profile / "user.js").write_text("".join(lines))
        command = [find(), "--headless", "--no-remote", "--remote-debugging-port", "0"]
        self._log = profile / "log.txt"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [*command, "--profile", profile], stdout=log, stderr=subprocess.STDOUT
            )
        try:
            address = self._address(profile / "WebDriverBiDiServer.json")
            self._socket = create_connection(address, suppress_origin=True, timeout=150)
            self._count = 0
            self._send("session.new", capabilities={})
            self._page = self._send("browsingContext.create", type="tab")["context"]
        except BaseException:
            self._process.kill()
            raise

    def _address(self, file: Path) -> str:
        """Where it listens: it writes that into this file of its profile as soon as it does."""
        deadline = time.monotonic() + 60
        while self._process.poll() is None and time.monotonic() < deadline:
            if file.exists() and (text := file.read_text()):
                found = json.loads(text)
                return f"ws://{found['ws_host']}:{found['ws_port']}/session"
            time.sleep(0.05)
        raise RuntimeError(f"Firefox did not start:\n{self._log.read_text()}")

    def _send(self, method: str, **parameters: object) -> dict:
        self._count += 1
        command = {"id": self._count, "method": method, "params": parameters}
        self._socket.send(json.dumps(command))
        while (answer := json.loads(self._socket.recv())).get("id") != self._count:
            pass  # an event
        if answer["type"] == "error":
            raise RuntimeError(f"{method}: {answer['message']}")
        return answer["result"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._process.terminate()
        self._process.wait(30)

    def open(self, address: str) -> None:
        self._send("browsingContext.navigate", context=self._page, url=address, wait="complete")

    def _run(self, function: str, argument: object) -> dict:
        answer = self._send(
            "script.evaluate",
            expression=f"({function})({json.dumps(argument)})",
            target={"context": self._page},
            awaitPromise=True,
        )
        assert answer["type"] == "success", answer
        return answer["result"]

    def evaluate(self, function: str, argument: object = None) -> object:
        """What a function of JavaScript returns, or resolves to."""
        encoded = f"async (it) => JSON.stringify((await ({function})(it)) ?? null)"
        return json.loads(self._run(encoded, argument)["value"])

    def says(self, selector: str, text: str, seconds: int = 30) -> None:
        """Wait up to so many seconds until one of these elements has that text."""
        found = self.evaluate(_SAYS, [selector, text, seconds])
        assert any(text in each for each in found), f"{text!r} is not in {found}"

    def draw(self, selector: str, strokes: list[list[tuple[int, int]]]) -> None:
        """Draw on an element with the mouse."""
        left, top = self.evaluate(_CORNER, selector)
        actions = []
        for stroke in strokes:
            moves = [
                {"type": "pointerMove", "x": round(left + x), "y": round(top + y)}
                for x, y in stroke
            ]
            actions += [moves[0], {"type": "pointerDown", "button": 0}, *moves[1:]]
            actions.append({"type": "pointerUp", "button": 0})
        mouse = {"type": "pointer", "id": "mouse", "actions": actions}
        self._send("input.performActions", context=self._page, actions=[mouse])

    def choose(self, selector: str, file: Path) -> None:
        """Choose a file, as in the window that such an element opens."""
        element = self._run("(it) => document.querySelector(it)", selector)
        self._send("input.setFiles", context=self._page, element=element, files=[str(file)])
