"""The report on an import."""

import json

from consent_server.policies.text import import_report, language_differences, render_report
from tests.policies.text import SAMPLES, documents, markdown


def test_the_report_counts_what_was_understood():
    report = import_report(documents(SAMPLES / "bilingual")["en"], source="en.md")

    assert (report.sections, report.numbered, report.tables, report.lists, report.links) == (4, 3, 1, 1, 4)
    assert report.words > 30
    assert report.source == "en.md"


def test_the_report_is_json_ready():
    report = import_report(documents(SAMPLES / "hostile")["en"])

    data = json.loads(json.dumps(report.to_dict()))

    assert data["language"] == "en"
    assert data["warnings"][0].keys() == {"code", "section", "message", "line", "detail"}


def test_the_rendered_report_names_languages_warnings_and_where_they_differ():
    web = documents(SAMPLES / "web")
    other = markdown("# T\n\n## 1. A\n\nx\n")

    text = render_report([import_report(d) for d in web.values()], language_differences([web["en"], other]))

    assert "zh-CN" in text
    assert "(§ 5.3, line 99)" in text
    assert "out of step" in text


def test_languages_in_step_are_said_to_be():
    web = documents(SAMPLES / "web")

    assert render_report([import_report(d) for d in web.values()]).endswith("The languages are in step.\n")
