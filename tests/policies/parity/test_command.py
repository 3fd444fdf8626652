"""`consent-server policy check`: exit status, JSON, waivers. It reads files only."""

import json
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

import consent_server.demo
from consent_server.cli import parity  # noqa: F401 - it adds its command
from consent_server.cli.root import root
from consent_server.policies.parity import RULES
from tests.policies.parity import SAMPLE

TEXTS = Path(consent_server.demo.__file__).parent / "texts"


def run(*arguments):
    return CliRunner().invoke(root, ["policy", "check", *map(str, arguments)])


@pytest.fixture
def folder(tmp_path):
    """Return a folder in which the Chinese says 16 where the English says 15."""
    for name in ("en.md", "zh-CN.md"):
        shutil.copy(SAMPLE / name, tmp_path)
    file = tmp_path / "zh-CN.md"
    file.write_text(file.read_text(encoding="utf-8").replace("15个工作日", "16个工作日"), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("version", ["v1", "v2", "v2.1"])
def test_the_demo_is_in_step(version):
    result = run(TEXTS / version, "--json")

    assert result.exit_code == 0
    assert json.loads(result.stdout)["findings"] == []


def test_a_difference_ends_with_status_1_and_both_places(folder):
    result = run(folder)

    assert result.exit_code == 1
    assert "15 working days" in result.stdout
    assert "16个工作日" in result.stdout
    assert "why:" in result.stdout


def test_json_findings_have_the_members_that_ci_reads(folder):
    data = json.loads(run(folder, "--json").stdout)

    assert data["in_step"] is False
    assert data["behind"] == ["zh-CN"]
    (finding,) = data["findings"]
    assert {"section", "language", "rule", "severity", "message", "places"} <= set(finding)
    assert [place["language"] for place in finding["places"]] == ["zh-CN", "en"]


def test_waivers_beside_the_texts_let_it_pass(folder):
    waiver = {"rule": "fact-differs", "section": "", "by": "legal desk", "reason": "Local law"}
    (folder / "waivers.json").write_text(json.dumps([waiver]))

    result = run(folder, "--json")

    assert result.exit_code == 0
    assert json.loads(result.stdout)["findings"][0]["waived_by"] == "legal desk"


def test_what_cannot_be_read_ends_with_status_2(folder, tmp_path):
    (folder / "waivers.json").write_text("{")
    (tmp_path / "empty").mkdir()

    assert run(folder).exit_code == 2
    assert run(tmp_path / "empty").exit_code == 2
    assert run(TEXTS / "v1", "--language", "nonsense!").exit_code == 2
    assert run(tmp_path / "nowhere").exit_code == 2


def test_a_language_that_must_be_there_is_missed(folder):
    (folder / "zh-CN.md").unlink()

    result = run(folder, "--language", "en", "--language", "zh-CN", "--json")

    assert result.exit_code == 1
    assert [f["rule"] for f in json.loads(result.stdout)["findings"]] == ["language-missing"]


def test_against_the_version_before_tells_what_changed_alone(folder):
    result = run(folder, "--against", SAMPLE, "--json")

    assert {f["rule"] for f in json.loads(result.stdout)["findings"]} == {"changed-alone", "fact-differs"}


def test_dated_folders_are_checked_in_order_and_the_newest_decides(folder, tmp_path):
    dated = tmp_path / "history"
    shutil.copytree(SAMPLE, dated / "2025-05-01")
    shutil.copytree(folder, dated / "2025-06-01", ignore=shutil.ignore_patterns("history"))
    shutil.copytree(SAMPLE, dated / "2025-06-09")

    data = json.loads(run(dated, "--json").stdout)

    assert [(v["name"], v["in_step"]) for v in data["versions"]] == [
        ("2025-05-01", True),
        ("2025-06-01", False),
        ("2025-06-09", True),
    ]
    assert data["in_step"] is True


def compare(*arguments):
    return CliRunner().invoke(root, ["policy", "compare", *map(str, arguments)])


def test_compare_shows_redlines_proposals_and_a_summary():
    result = compare(TEXTS / "v1", TEXTS / "v2", "--purposes", TEXTS / "purposes-v2.json")

    assert result.exit_code == 0
    assert "[-four-]{+five+} purposes" in result.stdout
    assert "[-四-]{+五+}类目的" in result.stdout
    assert "proposed: section 5: recipients (major_consent), analytics" in result.stdout
    assert result.stdout.count("summary en:") == result.stdout.count("summary zh-CN:") == 3


def test_compare_has_the_same_as_json():
    data = json.loads(compare(TEXTS / "v2", TEXTS / "v2.1", "--json").stdout)

    assert [r["anchor"] for r in data["redlines"]["en"]] == ["s-9"]
    assert data["suggestions"][0]["anchor"] == "s-9"
    assert set(data["summary"]) == {"en", "zh-CN"}


def test_compare_refuses_purposes_that_are_none(tmp_path):
    (tmp_path / "p.json").write_text("[{}]")

    result = compare(TEXTS / "v1", TEXTS / "v2", "--purposes", tmp_path / "p.json")

    assert result.exit_code == 2


def test_every_rule_is_documented_with_its_severity_and_reason():
    page = (Path(__file__).parents[3] / "docs" / "parity.md").read_text(encoding="utf-8")

    rows = re.findall(r"^\| `([a-z-]+)` \| (\w+) \| (.+) \|$", page, re.MULTILINE)

    assert {rule: (severity, why) for rule, severity, why in rows} == dict(RULES)
