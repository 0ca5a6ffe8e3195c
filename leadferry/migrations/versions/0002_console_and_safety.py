"""An index for the claims of one vendor"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

OPEN = sa.text("state IN ('pending', 'sending')")


def upgrade() -> None:
    op.drop_index("ix_delivery_sending", "delivery")
    op.create_index(
        "ix_delivery_open_by_vendor",
        "delivery",
        ["vendor", "state", "due_at"],
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
