"""A real PostgreSQL server for tests: an empty cluster in a folder, on a free port of 127.0.0.1, without fsync."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "40",
}


def find_postgresql() -> Path | None:
    """The folder of the newest server's programs: Debian keeps them out of the search path."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    found = shutil.which("initdb")
    return installed[-1].parent if installed else Path(found).resolve().parent if found else None


def find_user() -> str | None:
    """Whom the server runs as: never root, which it refuses. None for ourselves."""
    if os.getuid() != 0:
        return None
    names = [entry.pw_name for entry in pwd.getpwall()]
    return next(name for name in ("postgres", "nobody") if name in names)


@contextmanager
def run_postgresql() -> Iterator[str]:
    """Starts a server, yields the URL of its empty database, and stops it.

    Raises:
      FileNotFoundError: it is not installed.
    """
    programs = find_postgresql()
    if programs is None:
        raise FileNotFoundError("initdb")
    user = find_user()
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder, socket.socket() as probe:
        data = Path(folder) / "data"
        if user is not None:
            shutil.chown(folder, user)
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()

        def call(*command: str) -> None:
            done = subprocess.run(command, user=user, cwd=folder, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr

        call(str(programs / "initdb"), "-D", str(data), "-U", "steelyard", "-A", "trust", "-E", "UTF8", "--no-sync")
        with (data / "postgresql.conf").open("a") as conf:
            conf.writelines(f"{name} = '{value}'\n" for name, value in {**_SETTINGS, "port": port}.items())
        control = (str(programs / "pg_ctl"), "-D", str(data), "-w", "-l", str(Path(folder) / "log"))
        call(*control, "start")
        try:
            yield f"postgresql://steelyard@127.0.0.1:{port}/postgres"
        finally:
            call(*control, "-m", "fast", "stop")
