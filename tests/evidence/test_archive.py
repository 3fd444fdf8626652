"""An archive holds what it says, can be read in both languages and checked by anyone, and shows every change."""

import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from consent_server import verify_archive
from consent_server.evidence import archive
from consent_server.evidence.search import Filter
from consent_server.ledger.published_keys import key_file
from consent_server.ledger.tasks import integrate_logs
from consent_server.sites.models import Site
from tests import make
from tests.console.conftest import Console, audited


@pytest.fixture
def shop(app: Flask) -> Site:
    return make.ready_site()


@pytest.fixture
def story(console: Console, shop: Site) -> dict[str, Any]:
    """A refusal in Chinese on 1.0, then a known user's yes on 2.0."""
    no = make.decide(console.client, shop, language="zh-CN", **make.refusal(shop))
    mei = make.account("mei@example.org")
    make.published_version(shop, change="recipients", touched=["analytics"], actor=f"account:{mei.id}")
    yes = make.decide(console.client, shop)
    make.identify(console.client, shop, make.subject_token(shop, "=user-7"), yes["visitor_id"])
    integrate_logs()
    return {"no": no, "yes": yes}


def path(shop: Site, rest: str = "") -> str:
    return f"/console/sites/{shop.key}/receipts{rest}"


def check(body: bytes, keys: dict[str, Any], tmp_path: Path) -> tuple[int, str]:
    """What the stand-alone verifier says of an archive."""
    (tmp_path / "evidence.zip").write_bytes(body)
    (tmp_path / "keys.json").write_text(json.dumps(keys))
    with pytest.MonkeyPatch.context() as patch:
        said = io.StringIO()
        patch.setattr("sys.stdout", said)
        code = verify_archive.main(["--keys", str(tmp_path / "keys.json"), str(tmp_path / "evidence.zip")])
    return code, said.getvalue()


def files(body: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(body)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def zipped(parts: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as opened:
        for name, body in parts.items():
            opened.writestr(name, body)
    return made.getvalue()


def test_an_archive_holds_everything_and_is_verified_without_the_server(
    app: Flask,
    console: Console,
    shop: Site,
    story: dict[str, Any],
    tmp_path: Path,
) -> None:
    answer = console.send(path(shop, "/archive"), {}, page=path(shop))
    parts, keys = files(answer.data), key_file(app.extensions["keys"])
    manifest = json.loads(parts["manifest.json"])

    assert answer.headers["Content-Type"] == "application/zip"
    assert (
        'filename="evidence-' in answer.headers["Content-Disposition"]
        or "evidence-" in answer.headers["Content-Disposition"]
    )
    assert {each["path"] for each in manifest["files"]} == parts.keys() - {"manifest.json", "manifest.jws"}
    assert manifest["schema"] == "consent-evidence/1"
    for receipt in story.values():
        assert parts[f"receipts/{receipt['receipt_id']}.jws"].decode().strip() == receipt["receipt"]
        assert f"receipts/{receipt['receipt_id']}.tlog-proof" in parts
    for number in ("1.0", "2.0"):
        assert {
            f"versions/privacy-{number}/{name}"
            for name in ("snapshot.json", "text.en.md", "text.zh-CN.md", "told-1.jws", "told-1.tlog-proof")
        } <= parts.keys()
    code, said = check(answer.data, keys, tmp_path)
    assert (code, "receipts    right: 2, 2 of them proved" in said) == (0, True), said
    assert audited("evidence.export") == 1


def test_a_person_can_read_it_in_either_language(console: Console, shop: Site, story: dict[str, Any]) -> None:
    parts = files(console.send(path(shop, "/archive"), {}, page=path(shop)).data)
    pages = {name: body.decode() for name, body in parts.items() if name.endswith(".html")}

    assert "Evidence archive" in pages["en/index.html"]
    assert "证据档案" in pages["zh-CN/index.html"]
    assert {"en/index.html", "zh-CN/index.html"} <= set(re.findall(r'href="([^"]+)"', pages["index.html"]))
    for language, no in (("en", "Denied"), ("zh-CN", "拒绝")):
        shown = pages[f"{language}/receipts-1.html"]
        assert story["no"]["receipt_id"] in shown
        assert no in shown
        version = pages[f"{language}/version-privacy-2.0.html"]
        assert "<ins>" in version
        assert "<del>" in version
        assert "mei@example.org" in version
        assert "mei@example.org" in pages[f"{language}/audit.html"]
    assert not [name for name, page in pages.items() if "<script" in page or " style=" in page]
    for name, page in pages.items():
        folder = name.rpartition("/")[0]
        for target in re.findall(r'(?:href|src)="([^"#]+)', page):
            if "://" not in target:
                found = (Path("/", folder, target)).resolve().relative_to("/").as_posix()
                assert found in parts or found == "keys.json", (name, target)


def test_the_table_for_machines_holds_no_formula(console: Console, shop: Site, story: dict[str, Any]) -> None:
    table = files(console.send(path(shop, "/archive"), {}, page=path(shop)).data)["receipts.csv"].decode(
        "utf-8-sig"
    )

    assert len(table.splitlines()) == 3
    assert ",'=user-7," in table


def test_only_what_was_asked_for_is_in_it(console: Console, shop: Site, story: dict[str, Any]) -> None:
    asked = {"purpose": "analytics", "choice": "denied", "from": "2000-01-01"}

    parts = files(console.send(path(shop, "/archive"), asked, page=path(shop)).data)
    manifest = json.loads(parts["manifest.json"])

    assert [name for name in parts if name.startswith("receipts/")] == [
        f"receipts/{story['no']['receipt_id']}.jws",
        f"receipts/{story['no']['receipt_id']}.tlog-proof",
    ]
    assert manifest["query"] == {
        "purpose": "analytics",
        "choice": "denied",
        "since": "2000-01-01T00:00:00+00:00",
    }
    assert not [name for name in parts if name.startswith("versions/privacy-2.0")]


def test_any_change_shows(
    app: Flask,
    console: Console,
    shop: Site,
    story: dict[str, Any],
    tmp_path: Path,
) -> None:
    parts = files(console.send(path(shop, "/archive"), {}, page=path(shop)).data)
    keys = key_file(app.extensions["keys"])
    assert check(zipped(parts), keys, tmp_path)[0] == 0

    for name in ("receipts.csv", "manifest.json", "versions/privacy-1.0/text.zh-CN.md", "audit.json"):
        changed = parts | {
            name: parts[name].replace(b"a", b"b", 1) if b"a" in parts[name] else parts[name] + b" "
        }
        assert check(zipped(changed), keys, tmp_path)[0] == 1, name
    for missing in ("audit.json", f"receipts/{story['yes']['receipt_id']}.jws", "manifest.jws"):
        left = {name: body for name, body in parts.items() if name != missing}
        assert check(zipped(left), keys, tmp_path)[0] == 1, missing
    assert check(zipped(parts | {"more.txt": b"x"}), keys, tmp_path)[0] == 1
    others = {"receipts": {"keys": []}, "logs": keys["logs"]}
    assert "no receipt key signed the manifest" in check(zipped(parts), others, tmp_path)[1]


def test_more_than_fits_is_refused_before_anything_is_sent(
    app: Flask,
    console: Console,
    shop: Site,
    story: dict[str, Any],
) -> None:
    order = archive.Order(shop, Filter(), who="Lin", now=make.NOW, limit=1)

    with pytest.raises(archive.TooMuchEvidence):
        archive.write(io.BytesIO(), order, ring=app.extensions["keys"])


def test_the_desk_leads_from_the_receipt_to_who_approved_and_what_changed(
    console: Console,
    shop: Site,
    story: dict[str, Any],
) -> None:
    receipt = story["yes"]["receipt_id"]

    shown = console.get(path(shop, f"/{receipt}")).text
    page = console.get(path(shop, f"/{receipt}/trace")).text

    assert path(shop, f"/{receipt}/trace") in shown
    assert "Published a version" in page
    assert "Further recipient" in page
    assert "<ins>" in page
    assert "<del>" in page
    assert "It is the first version" in console.get(path(shop, f"/{story['no']['receipt_id']}/trace")).text


def test_the_address_carries_the_question(console: Console, shop: Site, story: dict[str, Any]) -> None:
    def found(**asked: str) -> list[str]:
        page = console.get(path(shop), query_string=asked).text
        return re.findall(r"/receipts/([0-9a-f-]{36})\"", page)

    yes, no = story["yes"]["receipt_id"], story["no"]["receipt_id"]
    at = story["no"]["issued_at"]
    assert found(purpose="maps", choice="granted") == [yes]
    assert found(choice="denied", language="zh-CN", version="1.0") == [no]
    assert found(action="reject_all") == [no]
    assert found(subject="=user-7", purpose="maps") == [yes]
    assert no in found(**{"from": at[:10], "from-time": at[11:16], "to": at[:10], "to-time": at[11:16]})
    page = console.get(path(shop), query_string={"purpose": "maps", "to-time": "25:00"}).text
    assert 'id="f-to-time-error"' in page
    assert '<option value="maps" selected' in page
