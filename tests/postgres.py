"""A PostgreSQL server of the tests' own; it ends with the block."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def available() -> bool:
    """Whether there is a server to start: that of the wheel ``pgserver`` (Python up to 3.12), or one of the machine."""
    return importlib.util.find_spec("pgserver") is not None or shutil.which("initdb") is not None


@contextmanager
def server() -> Iterator[str]:
    """Start a server and give its URL, for SQLAlchemy with psycopg2."""
    base = Path(tempfile.mkdtemp(prefix="postgres-"))
    base.chmod(0o711)  # where the tests run as root, the server is another user, who must get there
    try:
        with (_of_the_wheel if importlib.util.find_spec("pgserver") else _of_the_machine)(base / "server") as url:
            yield url.replace("postgresql://", "postgresql+psycopg2://", 1)
    finally:
        shutil.rmtree(base, ignore_errors=True)


@contextmanager
def _of_the_wheel(folder: Path) -> Iterator[str]:
    import pgserver

    running = pgserver.get_server(folder, cleanup_mode="stop")
    try:
        yield running.get_uri()
    finally:
        running.cleanup()


@contextmanager
def _of_the_machine(folder: Path) -> Iterator[str]:
    folder.mkdir(parents=True)
    user = {}
    if os.geteuid() == 0:  # PostgreSQL does not run as root
        found = next(pwd.getpwnam(name) for name in ("postgres", "nobody") if _exists(name))
        user = {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}
        os.chown(folder, found.pw_uid, found.pw_gid)
    subprocess.run(["initdb", "-D", str(folder / "data"), "-U", "postgres", "--auth=trust", "--no-sync"], check=True, capture_output=True,
                   cwd="/", **user)
    process = subprocess.Popen(["postgres", "-D", str(folder / "data"), "-k", str(folder), "-c", "listen_addresses=", "-F"],
                               cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **user)
    try:
        deadline = time.monotonic() + 60
        while not (folder / ".s.PGSQL.5432").exists():
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        yield f"postgresql://postgres:@/postgres?host={folder}"
    finally:
        process.send_signal(signal.SIGINT)  # stop also where somebody is still connected
        process.wait(30)


def _exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
