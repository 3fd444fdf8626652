"""Anchors: what leaves the database, where to, and what happens when the other side is away."""

import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from consent_server.db import db, transaction
from consent_server.ledger import anchor_file, anchor_sinks, anchors, append
from consent_server.ledger.anchor_file import BadAnchor, Head
from consent_server.ledger.anchor_sinks import NotAnchored
from consent_server.ledger.anchors import Anchors
from consent_server.ledger.models import Anchor, Log
from consent_server.ledger.tasks import integrate_logs
from tests import make
from tests.ledger.filled import entry, ring

HEAD = Head("host/log/a", 7, bytes(range(32)), make.NOW, "host/log/a\n7\n…\n\n— host/log/a x\n")


def head(size: int, log: str = "host/log/a") -> Head:
    return Head(log, size, bytes([size % 256]) * 32, make.NOW, f"{log}\n{size}\n")


class Sink(HTTPServer):
    """An HTTP address that keeps what is posted, and answers what it is told to."""

    status = 204

    def __init__(self) -> None:
        self.got: list[str] = []
        super().__init__(("127.0.0.1", 0), Posted)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/anchors"


class Posted(BaseHTTPRequestHandler):
    server: Sink

    def do_POST(self) -> None:
        self.server.got.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    path = tmp_path / "remote.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(path)], check=True)
    return path


def in_repository(path: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(path), *arguments], check=True, capture_output=True, text=True
    ).stdout


def test_what_was_appended_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "other" / "anchors.jsonl"

    anchor_file.append(path, [HEAD])
    anchor_file.append(path, [head(9), head(3, "host/log/b")])

    assert [each for _, each in anchor_file.lines(path)] == [HEAD, head(9), head(3, "host/log/b")]
    assert anchor_file.newest(path) == {"host/log/a": head(9), "host/log/b": head(3, "host/log/b")}
    assert path.stat().st_mode & 0o777 == 0o600


def test_no_file_anchors_nothing(tmp_path: Path) -> None:
    assert anchor_file.newest(tmp_path / "absent") == {}


def test_a_line_torn_by_a_crash_at_any_byte_costs_nothing(tmp_path: Path) -> None:
    whole = HEAD.line()
    for length in range(len(whole)):
        path = tmp_path / f"anchors-{length}"
        path.write_bytes(whole[:length])

        anchor_file.append(path, [head(9)])

        read = [each for _, each in anchor_file.lines(path)]
        assert read in ([head(9)], [HEAD, head(9)]), length


def test_a_damaged_line_is_not_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "anchors"
    anchor_file.append(path, [HEAD, head(9)])
    path.write_bytes(path.read_bytes().replace(b'"size":9', b'"sise":9'))

    with pytest.raises(BadAnchor, match="line 2, is damaged: restore"):
        anchor_file.newest(path)


def test_a_full_file_is_put_aside_and_the_new_one_begins_with_every_newest_head(tmp_path: Path) -> None:
    path = tmp_path / "anchors"
    anchor_file.append(path, [head(1), head(3, "host/log/b"), head(2)])

    anchor_file.append(path, [head(4)], rotate_at=10)

    assert [each for _, each in anchor_file.lines(path)] == [head(4), head(3, "host/log/b")]
    assert len((tmp_path / "anchors.1").read_bytes().splitlines()) == 4


def test_threads_that_append_at_once_do_not_mix_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "anchors"
    names = [f"host/log/{number}" for number in range(8)]

    def work(name: str) -> None:
        for size in range(1, 26):
            anchor_file.append(path, [head(size, name)])

    threads = [threading.Thread(target=work, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert all(each is not None for _, each in anchor_file.lines(path))
    assert {name: each.size for name, each in anchor_file.newest(path).items()} == dict.fromkeys(names, 25)


def test_git_gets_a_commit_with_every_logs_checkpoint(tmp_path: Path, repository: Path) -> None:
    first = anchor_sinks.push(str(repository), tmp_path / "own", [head(1), head(1, "host/log/b")])
    second = anchor_sinks.push(str(repository), tmp_path / "own", [head(2)])

    assert in_repository(repository, "log", "--format=%H", "anchors").split() == [second, first]
    assert in_repository(repository, "show", "anchors:host%2Flog%2Fa.checkpoint") == head(2).note
    assert (
        in_repository(repository, "show", "anchors:host%2Flog%2Fb.checkpoint") == head(1, "host/log/b").note
    )


def test_git_goes_on_where_the_remote_is_when_our_own_copy_is_lost(tmp_path: Path, repository: Path) -> None:
    anchor_sinks.push(str(repository), tmp_path / "lost", [head(1)])

    anchor_sinks.push(str(repository), tmp_path / "fresh", [head(2)])

    assert len(in_repository(repository, "log", "--format=%H", "anchors").split()) == 2


def test_git_that_is_refused_says_so_without_the_address(tmp_path: Path) -> None:
    with pytest.raises(NotAnchored, match="git ls-remote: ") as caught:
        anchor_sinks.push("http://name:secret@127.0.0.1:9/none.git", tmp_path / "own", [head(1)])

    assert "secret" not in str(caught.value)


def test_a_post_is_acknowledged_by_2xx_only(sink: Sink) -> None:
    assert anchor_sinks.post(sink.url, HEAD) == "204"

    sink.status = 500
    with pytest.raises(NotAnchored, match="500"):
        anchor_sinks.post(sink.url, HEAD)
    assert sink.got == [HEAD.note, HEAD.note]
    with pytest.raises(NotAnchored, match="URLError"):
        anchor_sinks.post("http://127.0.0.1:9/", HEAD)


@pytest.fixture
def site_id(app: Flask) -> int:
    return make.site().id


@pytest.fixture
def state(app: Flask, tmp_path: Path) -> Iterator[Anchors]:
    """The app's anchors, with a file of this test's own."""
    kept = app.extensions["settings"]
    app.extensions["settings"] = kept.__class__(**vars(kept) | {"anchor_file": tmp_path / "anchors.jsonl"})
    app.extensions.pop("anchors", None)
    yield anchors.of_app()
    app.extensions["settings"] = kept
    app.extensions.pop("anchors", None)


def add(app: Flask, site_id: int, count: int = 1) -> None:
    with transaction():
        append.append_many(append.lock_log(site_id), [entry(ring(app), make.NOW) for _ in range(count)])


def rows(sink_name: str) -> list[tuple[int, str]]:
    found = db.session.execute(
        select(Anchor.size, Anchor.ack).where(Anchor.sink == sink_name).order_by(Anchor.size)
    )
    return [(size, ack) for size, ack in found]


def test_every_checkpoint_goes_to_the_file_and_the_table_says_so(
    app: Flask, site_id: int, state: Anchors
) -> None:
    for count in (1, 2):
        add(app, site_id, count)
        integrate_logs()
    integrate_logs()

    path = state.settings.anchor_file
    assert path is not None
    written = [each for _, each in anchor_file.lines(path)]
    assert [each.size for each in written if each] == [1, 3]
    assert [size for size, _ in rows("file")] == [1, 3]
    assert rows("file")[1][1] == f"{path.stat().st_size} bytes"
    name = db.session.scalar(select(Log.name).where(Log.site_id == site_id))
    assert [(each[0], each[1], each[2]) for each in anchors.acknowledged()] == [(name, "file", 3)]


def test_a_file_that_cannot_be_written_holds_nothing_up_and_is_caught_up_with(
    app: Flask, site_id: int, state: Anchors, tmp_path: Path
) -> None:
    path = tmp_path / "anchors.jsonl"
    path.mkdir()
    for _ in range(2):
        add(app, site_id)
        integrate_logs()
    assert rows("file") == []

    path.rmdir()
    integrate_logs()

    assert [each.size for _, each in anchor_file.lines(path) if each] == [1, 2]
    assert [size for size, _ in rows("file")] == [1, 2]


def test_what_an_earlier_process_did_not_anchor_is_anchored(
    app: Flask, site_id: int, state: Anchors, tmp_path: Path
) -> None:
    (tmp_path / "anchors.jsonl").mkdir()
    add(app, site_id)
    integrate_logs()
    (tmp_path / "anchors.jsonl").rmdir()
    app.extensions.pop("anchors")

    integrate_logs()

    assert [size for size, _ in rows("file")] == [1]


def test_remote_sinks_get_the_newest_heads_and_what_fails_is_sent_again(
    app: Flask, site_id: int, tmp_path: Path, repository: Path, sink: Sink
) -> None:
    base = app.extensions["settings"]
    wanted = {
        "anchor_file": None,
        "anchor_git": str(repository),
        "anchor_url": sink.url,
        "data_dir": tmp_path,
    }
    state = Anchors(base.__class__(**vars(base) | wanted))
    app.extensions["anchors"] = state
    try:
        for _ in range(3):
            add(app, site_id)
            state.remote_at = make.NOW + timedelta(days=36_500)  # this test sends itself
            integrate_logs()
        sink.status = 503
        anchors.send_remote(state, now=make.NOW)
        assert [size for size, _ in rows("git")] == [3]
        assert rows("http") == []

        sink.status = 200
        anchors.send_remote(state, now=make.NOW)
        anchors.send_remote(state, now=make.NOW)
    finally:
        app.extensions.pop("anchors")

    assert rows("http") == [(3, "200")]
    assert rows("git") == [(3, in_repository(repository, "rev-parse", "anchors").strip())]
    assert len(sink.got) == 2
    assert sink.got[0].split("\n")[1] == "3"


def test_the_chore_sends_to_remote_sinks_at_most_once_a_minute(
    live_app: Flask, sink: Sink, set_clock: Callable[[datetime], None]
) -> None:
    base = live_app.extensions["settings"]
    state = Anchors(base.__class__(**vars(base) | {"anchor_url": sink.url}))
    live_app.extensions["anchors"] = state
    site_id = make.site().id

    for second in (0, 30, 60):
        set_clock(make.NOW + timedelta(seconds=second))
        add(live_app, site_id)
        integrate_logs()
        assert state.remote is not None
        state.remote.join()

    assert [note.split("\n")[1] for note in sink.got] == ["1", "3"]
