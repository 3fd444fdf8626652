"""The demo's own policy: what it says it holds."""

import json
from pathlib import Path

import pytest

import consent_server.demo
from consent_server.policies.changes import ChangeClass, ChangeType, proposed_class
from consent_server.policies.text import changed_sections, outline_differences
from consent_server.purposes.schemas import PurposeSchema
from tests.policies.text import documents

TEXTS = Path(consent_server.demo.__file__).parent / "texts"
VERSIONS = ("v1", "v2", "v2.1")


def load(name):
    return json.loads((TEXTS / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("version", VERSIONS)
def test_both_languages_are_in_step_and_without_warnings(version):
    both = documents(TEXTS / version)

    assert sorted(both) == ["en", "zh-CN"]
    assert outline_differences(both["en"], both["zh-CN"]) == []
    assert [d.warnings for d in both.values()] == [(), ()]


@pytest.mark.parametrize(
    ("old", "new", "anchors"),
    [("v1", "v2", ["s-3", "s-4", "s-5", "s-6"]), ("v2", "v2.1", ["s-9"])],
)
def test_the_same_sections_change_in_both_languages(old, new, anchors):
    before, after = documents(TEXTS / old), documents(TEXTS / new)

    for language in before:
        changes = changed_sections(before[language], after[language])
        assert [(c.kind, c.anchor) for c in changes] == [("changed", anchor) for anchor in anchors]


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("purposes.json", ["necessary", "analytics", "maps", "marketing"]),
        ("purposes-v2.json", ["necessary", "analytics", "maps", "marketing", "recommendations"]),
    ],
)
def test_purposes_have_the_shape_that_import_takes_in_both_languages(name, keys):
    purposes = PurposeSchema(many=True).load(load(name))

    assert [p["key"] for p in purposes] == keys
    for purpose in purposes:
        assert set(purpose["texts"]) == {"en", "zh-CN"}
        for service in purpose["services"]:
            assert set(service["texts"]) == {"en", "zh-CN"}
            assert all(set(cookie["texts"]) == {"en", "zh-CN"} for cookie in service["cookies"])


@pytest.mark.parametrize(("version", "purposes"), [("v1", "purposes.json"), ("v2", "purposes-v2.json")])
def test_the_cookie_table_names_every_declared_cookie(version, purposes):
    declared = {c["name"] for p in load(purposes) for s in p["services"] for c in s["cookies"]}

    for document in documents(TEXTS / version).values():
        table = next(block for block in document.blocks() if block.kind == "table")
        named = {row.split("\t")[0] for row in table.text.split("\n")[1:]}
        assert named == declared


@pytest.mark.parametrize("version", ["v2", "v2.1"])
def test_changes_are_typed_as_proposed_and_told_in_both_languages(version):
    known = {purpose["key"] for purpose in load("purposes-v2.json")}

    for change in load(f"{version}/changes.json"):
        assert ChangeClass(change["class"]) is proposed_class(ChangeType(change["type"]))
        assert change["purposes"] is None or set(change["purposes"]) <= known
        assert set(change["summary"]) == {"en", "zh-CN"}
