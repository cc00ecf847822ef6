"""Runs migrations on the connection that `Database.migrate` hands over."""

from alembic import context

import backend.credentials
import backend.evaluations
import backend.quota
import backend.specs  # noqa: F401 - their tables
from backend.models import Base, KeptBase

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=[Base.metadata, KeptBase.metadata],
    render_as_batch=True,
    transactional_ddl=False,  # the caller's transaction holds all of it
)
context.run_migrations()
