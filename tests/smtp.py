"""A real SMTP server on a thread, which keeps what it takes and refuses what it is told to."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from tests.demo.process import free_port


@dataclass
class Inbox:
    """What came, in order, and from which envelope senders.

    Addresses in `refused` get the answer that stands there; letters to those in `silent` are taken, and nothing is said.
    """

    port: int = 0
    messages: list[EmailMessage] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        read = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(read, EmailMessage)
        self.senders.append(envelope.mail_from)
        self.messages.append(read)
        while self.silent.intersection(envelope.rcpt_tos):
            await asyncio.sleep(0.01)
        return "250 taken"


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    """An SMTP server on a free port of this machine."""
    kept = Inbox()
    kept.port = free_port()
    controller = Controller(kept, hostname="127.0.0.1", port=kept.port, ready_timeout=30)
    controller.start()
    yield kept
    controller.stop()
