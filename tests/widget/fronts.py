"""Real web servers in front of a site, with the recipes of the documents in their configuration."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from consent_server.assets import node_command

RECIPES = Path(__file__).resolve().parents[2] / "docs" / "recipes"
DOMAIN = "; Domain=shop.example"  # of the recipes; a cookie for the loopback host has none


def program(name: str) -> str:
    """A web server's program; without it the test is skipped loudly, and fails in CI."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found:
        return found
    missing = f"THE RECIPE FOR {name} WAS NOT TESTED: install it (apt install {name})"
    if os.environ.get("CI") == "true":
        pytest.fail(missing)
    pytest.skip(missing)


def recipe(name: str) -> str:
    """A recipe, for the host that the test has."""
    text = (RECIPES / name).read_text(encoding="utf-8")
    assert DOMAIN in text
    return text.replace(DOMAIN, "")


def nginx(folder: Path, port: int, site: str) -> list[str]:
    outside, location = recipe("nginx.conf").split("# server {")
    folder.joinpath("nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log stderr;\nevents {{ }}\nhttp {{\naccess_log off;\n"
        + "".join(
            f"{kind}_temp_path {folder}/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        + f"{outside}\nserver {{\nlisten 127.0.0.1:{port};\n{location}\nlocation / {{ proxy_pass {site}; }}\n}}\n}}\n",
        encoding="utf-8",
    )
    return [program("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf")]


def caddy(folder: Path, port: int, site: str) -> list[str]:
    text = f"{{\nadmin off\nauto_https off\n}}\nhttp://127.0.0.1:{port} {{\nbind 127.0.0.1\n{recipe('Caddyfile')}\nhandle {{\nreverse_proxy {site}\n}}\n}}\n"
    folder.joinpath("Caddyfile").write_text(text, encoding="utf-8")
    return [program("caddy"), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


def worker(folder: Path, port: int, site: str) -> list[str]:
    folder.joinpath("worker.mjs").write_text(recipe("worker.js"), encoding="utf-8")
    folder.joinpath("serve.mjs").write_text(
        f"""import {{ createServer }} from "node:http";
import worker from "./worker.mjs";
const real = globalThis.fetch;
globalThis.fetch = (request) => real(request.url.replace(/^http:..[^/]+/, "{site}"));
createServer(async ({{ url, method, headers }}, response) => {{
  const answer = await worker.fetch(new Request(`http://127.0.0.1:{port}${{url}}`, {{ method, headers }}));
  response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(Buffer.from(await answer.arrayBuffer()));
}}).listen({port}, "127.0.0.1");
""",
        encoding="utf-8",
    )
    return [node_command(), str(folder / "serve.mjs")]


Front = Callable[[Path, int, str], list[str]]
FRONTS: dict[str, Front] = {"nginx": nginx, "caddy": caddy, "worker": worker}


@contextmanager
def running(name: str, folder: Path, site: str) -> Iterator[int]:
    """Serve a site through a front on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = FRONTS[name](folder, port, site)
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            command,
            stdout=log,
            stderr=log,
            env=os.environ | {"HOME": str(folder), "XDG_DATA_HOME": str(folder)},
        ) as process,
    ):
        try:
            deadline = time.monotonic() + 30
            while not _listens(port):
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < deadline, (folder / "log").read_text()
                time.sleep(0.05)
            yield port
        finally:
            process.terminate()
            process.wait(20)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
