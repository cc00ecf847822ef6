"""Runs migrations on the connection that `Database.migrate` hands over."""

from alembic import context

from backend.credentials import AccessBase
from backend.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=[Base.metadata, AccessBase.metadata],
    render_as_batch=True,
    transactional_ddl=False,  # the caller's transaction holds all of it
)
context.run_migrations()
