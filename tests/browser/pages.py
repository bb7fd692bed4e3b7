"""Build the site, serve it, and open its pages."""

import functools
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

from playwright.sync_api import Browser, expect

from lab import ROOT


class Site:
    """The site as `make site` builds it, in a sub-folder of a server of files; a context manager."""

    def __init__(self, folder: Path):
        self.folder = folder / "somewhere" / "mnist_cnn"
        command = [
            sys.executable,
            "-m",
            "sphinx",
            "-W",
            "--keep-going",
            "-q",
            "-c",
            "docs",
            "-d",
            folder / "doctrees",
        ]
        subprocess.run([*command, ".", self.folder], cwd=ROOT, check=True)
        handler = functools.partial(_Quiet, directory=folder)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}/somewhere/mnist_cnn/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


class SitePage:
    """A page of the site, and everything that went wrong there."""

    def __init__(self, browser: Browser, site: Site, path: str, **options: object):
        self.page = browser.new_page(
            **{"viewport": {"width": 1280, "height": 1000}, "has_touch": True} | options
        )
        self.page.set_default_timeout(30_000)
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(site.address + path)
        expect(
            self.page.locator("[data-view][aria-busy=true], [data-view]:not(:has(button, input))")
        ).to_have_count(0)
