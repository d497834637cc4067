"""Chromium without a window, asked by its own protocol: open a page, look into it, picture it.

Source: the Chrome DevTools Protocol.
"""

import base64
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any, Final

from websockets.sync.client import ClientConnection, connect

PATIENCE_S: Final = 20.0
"""How long a page may take to become what is waited for."""

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "chrome")


def find() -> str | None:
    """Where Chromium is; None where there is none. NUMEN_CHROMIUM names another."""
    named = os.environ.get("NUMEN_CHROMIUM")
    return named or next((found for name in _NAMES if (found := shutil.which(name))), None)


class Browser:
    """One page of one browser. Use it in a `with` statement.

    Attributes:
        complaints: Errors of the page and of what it loads.
    """

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="numen-browser-")
        self._count = 0
        self._stack = contextlib.ExitStack()
        self._socket: ClientConnection | None = None
        self.complaints: list[str] = []

    def __enter__(self) -> "Browser":
        found = find()
        assert found is not None, "there is no chromium"
        command = [
            found, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-dev-shm-usage", "--remote-debugging-port=0", "--force-color-profile=srgb",
            f"--user-data-dir={self._folder.name}", "about:blank",
        ]  # fmt: skip
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            self._attach()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._socket is not None:
            with contextlib.suppress(Exception):
                self._ask("Browser.close")
            self._stack.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        with contextlib.suppress(OSError):  # its helpers may still write there
            self._folder.cleanup()

    def _attach(self) -> None:
        port_file = Path(self._folder.name) / "DevToolsActivePort"
        end = time.monotonic() + PATIENCE_S
        while not (port_file.exists() and port_file.read_text().count("\n")):
            assert time.monotonic() < end, "chromium does not start"
            time.sleep(0.05)
        port = port_file.read_text().split("\n")[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json") as answer:
            pages = [page for page in json.load(answer) if page["type"] == "page"]
        self._socket = self._stack.enter_context(
            connect(pages[0]["webSocketDebuggerUrl"], max_size=1 << 26)
        )
        for domain in ("Page", "Runtime", "Log"):
            self._ask(f"{domain}.enable")
        self.look()

    def look(self, width: int = 1440, height: int = 900, *, is_dark: bool = False) -> None:
        """Be a screen of some size, whose reader likes it light or dark.

        Args:
            width: In points; less than 600 are a phone.
            height: In points.
            is_dark: What the page is told of the reader's taste.
        """
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self._ask("Emulation.setDeviceMetricsOverride", **size)
        taste = {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}
        self._ask("Emulation.setEmulatedMedia", features=[taste])

    def open(self, url: str) -> None:
        """Go to a page."""
        self._ask("Page.navigate", url=url)

    def evaluate(self, expression: str) -> Any:
        """What an expression of JavaScript is in the page; a promise is awaited."""
        found = self._ask(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in found:
            raise AssertionError(found["exceptionDetails"])
        return found["result"].get("value")

    def until(self, expression: str, patience_s: float = PATIENCE_S) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + patience_s
        while not self.evaluate(f"!!({expression})"):
            text = self.evaluate("document.body.innerText.slice(0, 2000)")
            assert time.monotonic() < end, f"not in time: {expression}\n{text}\n{self.complaints}"
            time.sleep(0.05)

    def press(self, key: str) -> None:
        """Press and release a key, such as ``Tab``."""
        code = {"Tab": 9, "Enter": 13, "Escape": 27}.get(key, 0)
        text = {"text": "\r"} if key == "Enter" else {"text": key} if len(key) == 1 else {}
        self._ask(
            "Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code, **text
        )
        self._ask("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def picture(self, *, is_whole: bool = False) -> bytes:
        """A PNG of what is seen, or of the whole page."""
        found = self._ask(
            "Page.captureScreenshot",
            format="png",
            captureBeyondViewport=is_whole,
            **self._clip(is_whole=is_whole),
        )
        return base64.b64decode(found["data"])

    def _clip(self, *, is_whole: bool) -> dict[str, Any]:
        if not is_whole:
            return {}
        size = self._ask("Page.getLayoutMetrics")["cssContentSize"]
        return {"clip": {"x": 0, "y": 0, "width": size["width"], "height": size["height"],
                         "scale": 1}}  # fmt: skip

    def _ask(self, method: str, **params: Any) -> Any:
        assert self._socket is not None
        self._count += 1
        self._socket.send(json.dumps({"id": self._count, "method": method, "params": params}))
        while True:
            heard = json.loads(self._socket.recv(PATIENCE_S))
            self._note(heard)
            if heard.get("id") == self._count:
                assert "error" not in heard, heard
                return heard["result"]

    def _note(self, heard: dict[str, Any]) -> None:
        """Keep what the page complains of."""
        params = heard.get("params", {})
        if heard.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(str(params["exceptionDetails"]))
        elif heard.get("method") == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.complaints.append(params["entry"]["text"])
