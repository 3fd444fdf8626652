"""Table of the census: how many of a site's consent records say the same, as a job has counted them."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from consent_server.db import Base, JsonText, UtcDateTime


class Census(Base):
    """The newest count of a site. `tally` has the rows of `census.py:Group`; nobody in them can be told from another."""

    __tablename__ = "census"

    site_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    taken_at: Mapped[datetime] = mapped_column(UtcDateTime)
    records: Mapped[int]
    tally: Mapped[list[Any]] = mapped_column(JsonText)
