"""Firefox with Global Privacy Control switched on: honoured, and said so."""

from pathlib import Path

import pytest

from tests.firefox import running_firefox
from tests.widget.helpers import CARD, OPEN, REJECT, inline
from tests.widget.stage import SITE, Stage, locale

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

NOTICE = locale("en")["first"]["signal"]
SWITCHED_ON = {
    "privacy__globalprivacycontrol__enabled": True,
    "privacy__globalprivacycontrol__functionality__enabled": True,
}


def test_its_opt_out_signal_is_honoured_and_the_visitor_is_told(stage: Stage, tmp_path: Path) -> None:
    address = stage.page(inline("maps", "m"))
    with running_firefox(tmp_path, **SWITCHED_ON) as firefox:
        # Where consent is asked for first, the question says that the signal was seen; nothing is on.
        firefox.open(address)
        assert NOTICE in firefox.wait_for(f"document.querySelector('{CARD}')?.textContent")
        assert firefox.ask("navigator.globalPrivacyControl") is True
        assert stage.signals[-1] == "1"
        assert firefox.ask("window.ran ?? null") is None
        firefox.click(REJECT)
        firefox.wait_for(f"localStorage.getItem('consent_{SITE}_queue') === '[]'")
        firefox.ask(
            "localStorage.clear(), document.cookie.split('; ').forEach((each) => document.cookie = each.split('=')[0] + '=;path=/;max-age=0')"
        )

        # Where visitors opt out, the signal is the answer.
        stage.changes = {"region": "opt_out"}
        firefox.open(address)
        firefox.wait_for(f"localStorage.getItem('consent_{SITE}_queue') === '[]'")
        assert firefox.ask("Object.values(Consent.get().purposes).some(Boolean)") is False
        assert firefox.ask("window.ran ?? null") is None
        firefox.click(OPEN)
        assert NOTICE in firefox.wait_for("document.querySelector('dialog[open]')?.textContent")

    asked, signalled = stage.decisions
    assert (asked["action"], asked["signals"]["gpc"]) == ("reject_all", True)
    assert (signalled["action"], signalled["signals"]["gpc"]) == ("gpc", True)
    assert set(signalled["choices"].values()) == {"denied"}
