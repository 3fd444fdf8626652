"""Run the demo: prepare the data, start the consent server and the demo site, tell that all is ready, stop both."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType

from consent_server import assets, clock
from consent_server.app import build
from consent_server.cli.database import initialise
from consent_server.config import PREFIX, load_settings
from consent_server.db import transaction
from consent_server.demo.seed import Demo, prepare
from consent_server.demo.shop import Shop, serve_shop

HOST = "127.0.0.1"
READY_WITHIN = 60.0  # seconds; a cold start on a slow machine takes ten
STOP_WITHIN = 8.0
Say = Callable[[str], None]


class CannotRun(Exception):
    """The demo cannot start; the text says why and what to do."""


@dataclass(frozen=True)
class Addresses:
    """Where everything is; the members of `--json`."""

    site_url: str
    site_url_en: str
    console_url: str
    docs_url: str
    server_url: str
    site_key: str
    api_key: str
    identity_secret: str
    data_dir: str

    def to_json(self) -> dict[str, str]:
        """Return the members of the JSON line."""
        return asdict(self)


def run(data_dir: Path, port: int, *, say: Say, ready: Callable[[Addresses], None]) -> None:
    """Run the demo until SIGINT or SIGTERM.

    Args:
        data_dir: folder for keys and database; made if need be, kept from run to run.
        port: of the consent server; the demo site gets the next one.
        say: tells the person what is going on.
        ready: called once, when both servers answer.

    Raises:
        CannotRun: a port is in use, the widget cannot be built, or the server does not come up.
    """
    stop = threading.Event()
    with _signals(stop), _bound(port + 1) as shop_socket:
        with _bound(port):
            pass  # free now; the server's process takes it in a moment
        say("Building the banner …")
        try:
            assets.build_assets()
        except assets.AssetsUnavailable as error:
            raise CannotRun(str(error)) from error
        _set_environment(data_dir, port)
        say(f"Preparing the data in {data_dir} …")
        demo = _prepare(data_dir, port)
        addresses = _addresses(demo, data_dir, port)
        shop = Shop(addresses.server_url, demo.site_key, demo.identity_secret, tuple(_origins(port + 1)))
        say("Starting …")
        with serve_shop(shop, shop_socket), _server(stop) as server:
            if _wait_until_ready(addresses.server_url, server, stop):
                ready(addresses)
                _wait_for_end(server, stop)


@contextlib.contextmanager
def _signals(stop: threading.Event) -> Iterator[None]:
    """Turn SIGINT and SIGTERM into `stop`, so that neither ends in a traceback."""

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _bound(port: int) -> socket.socket:
    """Return a socket on this port, or say that somebody else has it."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((HOST, port))
    except OSError as error:
        bound.close()
        raise CannotRun(
            f"port {port} cannot be used ({error.strerror}); choose another with --port "
            "(the demo takes that port and the next)"
        ) from error
    return bound


def _set_environment(data_dir: Path, port: int) -> None:
    """Settings for this process and the server's; those of the second kind can be overridden from outside."""
    fixed = {
        "DATA_DIR": str(data_dir),
        "HOST": HOST,
        "PORT": str(port),
        "PUBLIC_URL": f"http://{HOST}:{port}",
    }
    chosen = {
        "LOG_FORMAT": "text",
        "LOG_LEVEL": "warning",
        # What was published a moment ago shows with the next page load, not minutes later.
        "TAG_MAX_AGE": "0",
        "CONFIG_CACHE_SECONDS": "0",
        # On one's own machine everybody is one address.
        "RATE_LIMITS": "false",
    }
    os.environ.update({PREFIX + name: value for name, value in fixed.items()})
    for name, value in chosen.items():
        os.environ.setdefault(PREFIX + name, value)


def _prepare(data_dir: Path, port: int) -> Demo:
    settings = load_settings()
    initialise(settings)
    with build(settings).app_context(), transaction():
        return prepare(data_dir / "demo-api-key", origins=_origins(port + 1), now=clock.now())


def _origins(port: int) -> list[str]:
    return [f"http://{host}:{port}" for host in (HOST, "localhost")]


def _addresses(demo: Demo, data_dir: Path, port: int) -> Addresses:
    server, site = f"http://{HOST}:{port}", f"http://{HOST}:{port + 1}"
    return Addresses(
        site_url=f"{site}/",
        site_url_en=f"{site}/en",
        console_url=f"{server}/console/sign-in/{demo.sign_in_token}",
        docs_url=f"{server}/docs",
        server_url=server,
        site_key=demo.site_key,
        api_key=demo.api_key,
        identity_secret=demo.identity_secret,
        data_dir=str(data_dir),
    )


@contextlib.contextmanager
def _server(stop: threading.Event) -> Iterator[subprocess.Popen[bytes]]:
    """Run the consent server in a process of its own, with standard output kept for our JSON line."""
    command = [sys.executable, "-m", "consent_server.demo.server"]
    process = subprocess.Popen(command, stdout=sys.stderr.fileno(), env=_environment(os.environ))  # noqa: S603 - our own module
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        stop.set()


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the child's environment: it must find this very package, installed or not."""
    here = str(Path(__file__).resolve().parents[2])
    return {**environ, "PYTHONPATH": os.pathsep.join(filter(None, [here, environ.get("PYTHONPATH", "")]))}


def _wait_until_ready(server_url: str, server: subprocess.Popen[bytes], stop: threading.Event) -> bool:
    """Return True once the server answers `/readyz`, False if the demo was stopped meanwhile."""
    waited = 0.0
    while not stop.is_set():
        if server.poll() is not None:
            raise CannotRun(f"the server ended with exit status {server.returncode}; its messages are above")
        if _answers(f"{server_url}/readyz"):
            return True
        if waited > READY_WITHIN:
            raise CannotRun(f"the server did not become ready within {READY_WITHIN:.0f} seconds")
        stop.wait(0.1)
        waited += 0.1
    return False


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:  # noqa: S310 - our own http address
            return bool(answer.status == 200)
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return False


def _wait_for_end(server: subprocess.Popen[bytes], stop: threading.Event) -> None:
    while not stop.wait(0.2):
        if server.poll() is not None:
            raise CannotRun(f"the server ended with exit status {server.returncode}; its messages are above")
