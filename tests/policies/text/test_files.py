"""Files and folders of sources."""

import datetime

import pytest

from consent_server.policies.text import SourceError, language_tag, parse, read_history, read_sources
from tests.policies.text import SAMPLES


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("zh-CN", "zh-CN"),
        ("zh_cn", "zh-CN"),
        ("ZH-hans-cn", "zh-Hans-CN"),
        ("EN", "en"),
        ("es-419", "es-419"),
        ("yue", "yue"),
        ("faq", None),
        ("readme", None),
        ("", None),
        ("zh-", None),
    ],
)
def test_a_language_is_read_as_bcp_47_or_not_at_all(name, tag):
    assert language_tag(name) == tag


def test_a_folder_gives_one_source_per_language_and_notes_the_rest(tmp_path):
    (tmp_path / "privacy.zh_CN.md").write_text("# 声明", encoding="utf-8")
    (tmp_path / "en.TXT").write_text("Notice", encoding="utf-8")
    (tmp_path / "README.md").write_text("about")
    (tmp_path / "en.docx").write_text("no")
    (tmp_path / ".hidden").write_text("no")
    (tmp_path / "old").mkdir()

    sources = read_sources([tmp_path])

    assert [(s.language, s.format) for s in sources] == [("en", "plain"), ("zh-CN", "markdown")]
    assert [note.split()[0] for note in sources.notes] == ["README.md", "en.docx", "old"]
    assert len(sources) == 2
    assert sources[0].text == "Notice"
    assert sources[:1] == sources.files[:1]


def test_a_language_that_comes_twice_is_refused(tmp_path):
    (tmp_path / "en.md").write_text("a")
    (tmp_path / "en.txt").write_text("b")

    with pytest.raises(SourceError, match="already given") as refused:
        read_sources([tmp_path])

    assert refused.value.code == "duplicate-language"


@pytest.mark.parametrize(
    ("name", "code"), [("en.pdf", "format"), ("notes.md", "language"), ("gone.md", "missing")]
)
def test_a_file_named_outright_must_be_readable(tmp_path, name, code):
    if code != "missing":
        (tmp_path / name).write_text("x")

    with pytest.raises(SourceError) as refused:
        read_sources([tmp_path / name])

    assert refused.value.code == code
    assert name in str(refused.value)


def test_a_folder_without_texts_is_refused(tmp_path):
    with pytest.raises(SourceError, match="no policy text"):
        read_sources([tmp_path])


def test_invalid_utf_8_names_the_file_and_the_byte():
    with pytest.raises(
        SourceError, match=r"latin-1\.de\.txt: not valid UTF-8: byte 0xDC at offset 10"
    ) as refused:
        read_sources([SAMPLES / "encodings" / "latin-1.de.txt"])

    assert refused.value.offset == 10


def test_the_offset_counts_the_byte_order_mark(tmp_path):
    path = tmp_path / "en.txt"
    path.write_bytes(b"\xef\xbb\xbfab\xff")

    with pytest.raises(SourceError) as refused:
        read_sources([path])

    assert refused.value.offset == 5


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_announces_the_encoding(tmp_path, encoding):
    path = tmp_path / "zh-CN.txt"
    path.write_bytes("声明\n\n一、目的\n\n说明。".encode(encoding))

    source = read_sources([path])[0]

    assert parse(source.text, language="zh-CN", format="plain").title == "声明"


def test_a_utf_16_sample_is_read():
    source = read_sources([SAMPLES / "encodings" / "utf-16.en.txt"])[0]

    assert len(parse(source.text, language="en", format="plain").sections) == 2


def test_utf_16_without_a_mark_is_refused_with_a_hint(tmp_path):
    path = tmp_path / "en.txt"
    path.write_bytes("Notice".encode("utf-16-le"))

    with pytest.raises(SourceError, match=r"NUL byte at offset 1 \(UTF-16"):
        read_sources([path])


def test_a_file_that_is_far_too_large_is_refused(tmp_path):
    path = tmp_path / "en.txt"
    path.write_bytes(b"x" * (4 * 1024 * 1024 + 1))

    with pytest.raises(SourceError) as refused:
        read_sources([path])

    assert refused.value.code == "too-large"


def test_a_history_comes_in_order_of_date_then_of_name():
    history = read_history(SAMPLES / "history")

    assert [state.name for state in history] == ["2025-01-10", "2025-03-02-a", "2025-03-02-b"]
    assert history[1].date == datetime.date(2025, 3, 2)
    assert [s.language for s in history[0].sources] == ["en", "zh-CN"]


@pytest.mark.parametrize("name", ["latest", "2025-13-01", "2025-01-01x"])
def test_a_folder_without_a_date_is_refused(tmp_path, name):
    (tmp_path / name).mkdir()
    (tmp_path / name / "en.md").write_text("x")

    with pytest.raises(SourceError) as refused:
        read_history(tmp_path)

    assert refused.value.code == "not-a-date"


def test_a_history_must_hold_something(tmp_path):
    with pytest.raises(SourceError, match="no dated folders"):
        read_history(tmp_path)
    with pytest.raises(SourceError, match="no such folder"):
        read_history(tmp_path / "gone")
