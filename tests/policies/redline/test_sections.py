"""Sections that came, went, changed, moved or got another number."""

from consent_server.policies.redline import redline_sections
from tests.policies.redline import text

A, B, C = (
    "We keep a record of each ship that passes the light.",
    "The tower is open to visitors in summer only.",
    "Storms are announced by a signal from the gallery.",
)


def kinds(before, after):
    return [(r.kind, r.section.number, r.moved) for r in redline_sections(text(before), text(after))]


def policy(*sections):
    return "# T\n\n" + "\n\n".join(f"## {n}. {h}\n\n{w}" for n, h, w in sections)


def test_an_unchanged_text_has_no_redline():
    whole = policy((1, "Ships", A), (2, "Tower", B))

    assert kinds(whole, whole) == []


def test_a_section_before_others_renumbers_them_and_nothing_more():
    before = policy((1, "Ships", A), (2, "Tower", B))
    after = policy((1, "Storms", C), (2, "Ships", A), (3, "Tower", B))

    assert kinds(before, after) == [
        ("added", "1", False),
        ("renumbered", "2", False),
        ("renumbered", "3", False),
    ]


def test_a_section_that_moved_is_told_as_moved():
    before = policy((1, "Ships", A), (2, "Tower", B), (3, "Storms", C))
    after = policy((1, "Storms", C), (2, "Ships", A), (3, "Tower", B))

    assert ("moved", "1", True) in kinds(before, after)
    assert {kind for kind, _number, _moved in kinds(before, after)} == {"moved", "renumbered"}


def test_a_section_with_another_number_heading_and_a_changed_word_is_followed():
    before = policy((1, "Ships", A), (2, "Tower", B))
    after = policy((1, "Tower", B), (4, "Vessels that pass", A.replace("each ship", "each boat")))
    changed = next(r for r in redline_sections(text(before), text(after)) if r.kind == "changed")

    assert (changed.was.number, changed.now.number) == ("1", "4")
    assert [c.kind for c in changed.changes] == ["changed", "changed"]
    assert (changed.changes[1].removed, changed.changes[1].added) == ("ship", "boat")


def test_a_section_that_went_stands_where_it_was():
    before = policy((1, "Ships", A), (2, "Tower", B), (3, "Storms", C))
    after = policy((1, "Ships", A), (2, "Storms", C + " Always."))

    assert [kind for kind, *_ in kinds(before, after)] == ["removed", "changed"]


def test_items_and_rows_are_followed_one_by_one():
    before = policy((1, "Ships", f"- {A}\n- {B}\n\n| a | b |\n|-|-|\n| ship | one year |"))
    after = policy((1, "Ships", f"- {A}\n- {C}\n- {B}\n\n| a | b |\n|-|-|\n| ship | two years |"))
    (section,) = redline_sections(text(before), text(after))

    assert [(c.kind, c.added) for c in section.changes] == [("added", C), ("changed", "two years")]


def test_a_link_that_leads_elsewhere_is_a_change_without_words():
    before = policy((1, "Ships", "See the [log](https://one.example/a)."))
    after = policy((1, "Ships", "See the [log](https://one.example/b)."))
    (section,) = redline_sections(text(before), text(after))

    assert [(c.kind, c.removed, c.added) for c in section.changes] == [("changed", "", "")]
