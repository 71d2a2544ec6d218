"""A headless Chromium, driven by the DevTools protocol over two pipes."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

PATIENCE_S = 60.0
NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str | None:
    """Where Chromium is on this machine; None: it is not."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


@contextmanager
def opened(program: str) -> Iterator[Page]:
    """One empty page in a Chromium of its own, with a new profile; it ends with the block."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        to_browser, from_browser = os.pipe(), os.pipe()
        # Above 9, so that the numbers that the browser expects, 3 and 4, are free.
        ends = [
            fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (to_browser[0], from_browser[1])
        ]
        for end in (to_browser[0], from_browser[1]):
            os.close(end)
        pid = os.posix_spawn(
            program,
            [
                program, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
                "--disable-dev-shm-usage", "--disable-background-networking", "--mute-audio",
                "--disable-component-update", "--no-proxy-server", "--hide-scrollbars",
                "--remote-debugging-pipe", f"--user-data-dir={profile}",
            ],
            {**os.environ, "HOME": profile},
            file_actions=[
                (os.POSIX_SPAWN_DUP2, ends[0], 3),
                (os.POSIX_SPAWN_DUP2, ends[1], 4),
                (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
                (os.POSIX_SPAWN_OPEN, 2, "/dev/null", os.O_WRONLY, 0),
            ],
            setpgroup=0,
        )  # fmt: skip
        for end in ends:
            os.close(end)
        try:
            yield Page(to_browser[1], from_browser[0])
        finally:
            os.close(to_browser[1])
            os.close(from_browser[0])
            os.killpg(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


class Page:
    """One page, what its console said, and which addresses it asked for.

    Args:
        commands, answers: ends of the pipes to and from the browser.
    """

    def __init__(self, commands: int, answers: int) -> None:
        self.errors: list[str] = []
        self.requests: list[str] = []
        self._commands, self._answers = commands, answers
        self._unread = b""
        self._number = 0
        self._session: str | None = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The result of one command.

        Raises:
            RuntimeError: the browser refused it.
            TimeoutError: it did not answer.
        """
        self._number += 1
        command: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            command["sessionId"] = self._session
        os.write(self._commands, json.dumps(command).encode() + b"\0")
        end = time.monotonic() + PATIENCE_S
        while True:
            message = self._next(end - time.monotonic())
            if message is None:
                raise TimeoutError(f"{method}: no answer in {PATIENCE_S:g} s")
            if message.get("id") == self._number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']['message']}")
                result: dict[str, Any] = message["result"]
                return result

    def open(self, address: str) -> None:
        """Go to an address, and wait until all that it names has come."""
        self.call("Page.navigate", url=address)
        self.wait_for("document.readyState === 'complete'")

    def shaped(
        self, width_px: int, height_px: int, scale: float = 1.0, phone: bool = False
    ) -> None:
        """Give the window a size, in CSS pixels, and how many pixels of the screen one has."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width_px, height=height_px, deviceScaleFactor=scale, mobile=phone,
        )  # fmt: skip

    def coloured(self, scheme: str) -> None:
        """Prefer "light" or "dark"."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.call("Emulation.setEmulatedMedia", features=[feature])

    def value(self, expression: str) -> Any:
        """What a JavaScript expression is; a promise is waited for.

        Raises:
            RuntimeError: it threw.
        """
        answer = self.call(
            "Runtime.evaluate",
            expression=expression,
            awaitPromise=True,
            returnByValue=True,
            userGesture=True,
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait_for(self, expression: str, patience_s: float = PATIENCE_S) -> Any:
        """The value of an expression as soon as it is true.

        Raises:
            TimeoutError: it does not become true.
        """
        end = time.monotonic() + patience_s
        while not (value := self.value(expression)):
            if time.monotonic() > end:
                raise TimeoutError(f"not true after {patience_s:g} s: {expression}")
            self._next(0.1)
        return value

    def watch(self, duration_s: float) -> None:
        """Let time pass, and note what is said meanwhile."""
        end = time.monotonic() + duration_s
        while (left_s := end - time.monotonic()) > 0.0:
            self._next(left_s)

    def press(self, key: str) -> None:
        """Press and release a key, such as "Tab" or "Enter"."""
        codes = {"Tab": 9, "Enter": 13, "Escape": 27, "ArrowLeft": 37, "ArrowRight": 39}
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key,
                windowsVirtualKeyCode=codes[key], **(text if kind == "keyDown" else {}),
            )  # fmt: skip

    def photograph(self) -> bytes:
        """What the window shows, as a PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])

    def _next(self, patience_s: float) -> dict[str, Any] | None:
        """The next message, noted if it is an event; None: there is none in time."""
        end = time.monotonic() + patience_s
        while b"\0" not in self._unread:
            left_s = max(end - time.monotonic(), 0.0)
            if not select.select([self._answers], [], [], left_s)[0]:
                return None
            read = os.read(self._answers, 1 << 20)
            if not read:
                raise RuntimeError("the browser has ended")
            self._unread += read
        raw, self._unread = self._unread.split(b"\0", 1)
        message: dict[str, Any] = json.loads(raw)
        self._note(message.get("method", ""), message.get("params", {}))
        return message

    def _note(self, event: str, parameters: dict[str, Any]) -> None:
        if event == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(parameters["exceptionDetails"]))
        elif event == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning"):
            self.errors.append(json.dumps(parameters["args"]))
        elif event == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            self.errors.append(
                f"{parameters['entry']['text']} {parameters['entry'].get('url', '')}"
            )
        elif event == "Network.requestWillBeSent":
            asked = parameters["request"]["url"]
            if not asked.startswith("data:"):  # the browser's own pictures of its controls
                self.requests.append(asked)
