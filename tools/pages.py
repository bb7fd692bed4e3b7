"""Build the site, serve it, and open its pages."""

import functools
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from playwright.sync_api import Browser, expect

from lab import ROOT


class Site:
    """The site as `make site` builds it, served from a sub-folder; a context manager.

    Args:
        folder: An empty folder, which a local server of files shows.
    """

    def __init__(self, folder: Path):
        self.folder = folder / "somewhere" / "mnist_cnn"
        command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-c", "docs"]
        command += ["-d", str(folder / "doctrees"), ".", str(self.folder)]
        subprocess.run(command, cwd=ROOT, check=True)
        handler = functools.partial(_QuietHandler, directory=folder)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}/somewhere/mnist_cnn/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()


class _QuietHandler(SimpleHTTPRequestHandler):
    """A handler that does not log requests."""

    def log_message(self, *_: object) -> None:
        pass


class SitePage:
    """A page of the site, open in a browser; it collects messages and requests.

    Args:
        browser: The browser that opens the page.
        site: A site that is being served.
        path: The path of the page in the site.
        options: Options of Playwright's new_page, instead of the usual ones.
    """

    def __init__(self, browser: Browser, site: Site, path: str, **options: Any):
        usual: dict[str, Any] = {"viewport": {"width": 1280, "height": 1000}, "has_touch": True}
        self.page = browser.new_page(**usual | options)
        self.page.set_default_timeout(30_000)
        self.complaints: list[str] = []  # all messages of the console, and errors
        self.requests: list[str] = []  # all addresses that were loaded
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(site.address + path)
        not_ready = "[data-view][aria-busy=true], [data-view]:not(:has(button, input))"
        expect(self.page.locator(not_ready)).to_have_count(0)
