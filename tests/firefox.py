"""A real Firefox without a driver program: its own remote protocol, Marionette, spoken over a socket.

A message is its length, a colon and JSON: `[0, number, command, parameters]`, answered by `[1, number, error, result]`.
"""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

NAMES = ("firefox-esr", "firefox")
MISSING = "NO TEST IN FIREFOX WAS RUN: install it (apt install firefox-esr) or set FIREFOX_PATH"
PATIENCE = 60  # seconds
QUIET = {
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "extensions.update.enabled": False,
    "services.settings.server": "http://127.0.0.1:9/",
    "toolkit.telemetry.enabled": False,
}


class Firefox:
    """One window; every command waits until the page has done it."""

    def __init__(self, port: int, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
                break
            except OSError:
                assert process.poll() is None, "Firefox has ended"
                assert time.monotonic() < deadline, "Firefox does not answer"
                time.sleep(0.1)
        self._stream = self._socket.makefile("rb")
        self._number = 0
        self._read()  # its greeting
        self.send("WebDriver:NewSession", {"capabilities": {"alwaysMatch": {"acceptInsecureCerts": True}}})

    def send(self, command: str, parameters: dict[str, Any]) -> Any:
        """Send a command and return its result."""
        self._number += 1
        message = json.dumps([0, self._number, command, parameters]).encode()
        self._socket.sendall(b"%d:%s" % (len(message), message))
        _, number, error, result = self._read()
        assert number == self._number
        assert error is None, error
        return result

    def open(self, address: str) -> None:
        """Load a page."""
        self.send("WebDriver:Navigate", {"url": address})

    def ask(self, expression: str) -> Any:
        """Return what an expression is on the page."""
        return self.send("WebDriver:ExecuteScript", {"script": f"return {expression}", "args": []})["value"]

    def wait_for(self, expression: str) -> Any:
        """Return what an expression is as soon as that counts as true."""
        deadline = time.monotonic() + 30
        while not (found := self.ask(expression)):
            assert time.monotonic() < deadline, f"never: {expression}"
            time.sleep(0.05)
        return found

    def click(self, selector: str) -> None:
        """Click as a person does."""
        found = self.send("WebDriver:FindElement", {"using": "css selector", "value": selector})["value"]
        self.send("WebDriver:ElementClick", {"id": next(iter(found.values()))})

    def close(self) -> None:
        """End the connection."""
        self._stream.close()
        self._socket.close()

    def _read(self) -> Any:
        length = b""
        while (byte := self._stream.read(1)) != b":":
            assert byte, "Firefox has hung up"
            length += byte
        return json.loads(self._stream.read(int(length)))


@contextmanager
def running_firefox(profile: Path, **preferences: Any) -> Iterator[Firefox]:
    """Start Firefox on an empty profile with these preferences; without one the test is skipped loudly, and fails in CI.

    In names `__` stands for a dot.
    """
    program = next(filter(None, map(shutil.which, (os.environ.get("FIREFOX_PATH", ""), *NAMES))), None)
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    chosen = QUIET | {name.replace("__", "."): value for name, value in preferences.items()}
    lines = [
        f"user_pref({json.dumps(name)}, {json.dumps(value)});"
        for name, value in (chosen | {"marionette.port": port}).items()
    ]
    (profile / "user.js").write_text("\n".join(lines), encoding="utf-8")
    command = [program, "--headless", "--marionette", "--no-remote", "--profile", str(profile)]
    with subprocess.Popen(
        command,
        env=os.environ | {"HOME": str(profile), "MOZ_CRASHREPORTER_DISABLE": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            firefox = Firefox(port, process)
            yield firefox
            firefox.close()
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
