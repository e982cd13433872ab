"""Read a folder that somebody else has written, who may mean harm.

No link is followed, nothing but plain files is opened, and no more is read than was asked for. Every step starts from an open
directory and looks at what it has really opened, so that nothing changes between the look and the reading.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

MOST_ENTRIES = 5_000  # files and folders that are looked at
DEEPEST = 8  # folders within folders
_OPEN = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_FOLDER = _OPEN | getattr(os, "O_DIRECTORY", 0)
_KINDS = ((stat.S_ISLNK, "a symbolic link"), (stat.S_ISFIFO, "a named pipe"), (stat.S_ISSOCK, "a socket"),
          (stat.S_ISBLK, "a device"), (stat.S_ISCHR, "a device"), (stat.S_ISDIR, "a folder"))


class Refused(Exception):
    """Something that is not read; the message says what it is ("is a symbolic link")."""


def shown(name: str, most: int = 80) -> str:
    """A name that a stranger chose, in a form that can be printed anywhere."""
    name = name.encode("utf-8", "backslashreplace").decode("utf-8")
    name = "".join(letter if letter.isprintable() and letter != "`" else f"\\x{ord(letter):02x}" for letter in name)
    return name if len(name) <= most else f"{name[: most - 3]}..."


@dataclass(frozen=True)
class Entry:
    """What stands in a folder under a name: a plain file and its size, or something that is refused, and why."""

    name: str
    size: int = 0
    refused: str = ""


class Folder:
    """A stranger's folder, open for reading: ``entries`` lists what is in it, ``read`` reads a file.

    ``trusted`` is a folder of one's own, and ``parts`` lead from it to the stranger's.

    Raises
    ------
    Refused
        if one of the parts is a link, or anything but a folder, or may not be entered.
    """

    def __init__(self, trusted: Path, *parts: str):
        self._root = os.open(trusted, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0))
        for part in parts:
            outer = self._root
            try:
                self._root = os.open(part, _FOLDER, dir_fd=outer)
            except OSError as error:
                raise Refused(_why(error, os.path.islink(trusted.joinpath(*parts[: parts.index(part) + 1])))) from None
            finally:
                os.close(outer)
        self._owner = os.fstat(self._root).st_uid if parts else None

    def __enter__(self) -> Folder:
        return self

    def __exit__(self, *_) -> None:
        os.close(self._root)

    def entries(self) -> list[Entry]:
        """Everything in the folder that is not itself a folder, in the order of names; at most ``MOST_ENTRIES``."""
        found: list[Entry] = []
        seen = [0]
        self._list(self._root, "", 0, found, seen)
        if seen[0] > MOST_ENTRIES:
            found.append(Entry("...", refused=f"is one of more than {MOST_ENTRIES} files, of which no more were looked at"))
        return sorted(found, key=lambda entry: entry.name)

    def _list(self, folder: int, beginning: str, depth: int, found: list[Entry], seen: list[int]) -> None:
        inner: list[str] = []
        try:
            with os.scandir(folder) as listing:
                for item in listing:
                    seen[0] += 1
                    if seen[0] > MOST_ENTRIES:
                        return
                    if item.is_dir(follow_symlinks=False):
                        inner.append(item.name)
                        continue
                    found.append(_entry(beginning + item.name, item, self._owner))
        except OSError as error:
            found.append(Entry(beginning, refused=_why(error)))
        for name in sorted(inner):
            if depth + 1 >= DEEPEST:
                found.append(Entry(f"{beginning}{name}/", refused=f"lies more than {DEEPEST} folders deep"))
                continue
            try:
                opened = os.open(name, _FOLDER, dir_fd=folder)
            except OSError as error:
                found.append(Entry(f"{beginning}{name}/", refused=_why(error)))
                continue
            try:
                self._list(opened, f"{beginning}{name}/", depth + 1, found, seen)
            finally:
                os.close(opened)

    def read(self, name: str, most: int) -> bytes:
        """The bytes of a plain file; raise Refused if it is anything else, or holds more than ``most`` bytes."""
        *folders, last = name.split("/")
        if last in {"", ".", ".."} or {"", ".", ".."} & set(folders):
            raise Refused("has an impossible name")
        opened: list[int] = []
        try:
            for part in folders:
                opened.append(os.open(part, _FOLDER, dir_fd=opened[-1] if opened else self._root))
            at = opened[-1] if opened else self._root
            _require_file(os.stat(last, dir_fd=at, follow_symlinks=False), self._owner, most)
            opened.append(os.open(last, _OPEN, dir_fd=at))
            _require_file(os.fstat(opened[-1]), self._owner, most)  # what was opened, whatever the name now leads to
            return _all(opened[-1], most)
        except OSError as error:
            raise Refused(_why(error)) from None
        finally:
            for number in opened:
                os.close(number)


def _entry(name: str, item: os.DirEntry, owner: int | None) -> Entry:
    try:
        found = item.stat(follow_symlinks=False)
        _require_file(found, owner)
    except Refused as refused:
        return Entry(name, refused=str(refused))
    except OSError as error:
        return Entry(name, refused=_why(error))
    return Entry(name, size=found.st_size)


def _require_file(found: os.stat_result, owner: int | None, most: int | None = None) -> None:
    """Raise Refused for anything but a plain file of this owner (None: of any).

    A hard link cannot be told from the file itself, except by whose it is. That suffices: the one who links to a stranger's file is
    refused, and the stranger, whose file now has two names as well, is not.
    """
    for is_kind, kind in _KINDS:
        if is_kind(found.st_mode):
            raise Refused(f"is {kind}")
    if not stat.S_ISREG(found.st_mode):
        raise Refused("is no plain file")
    if owner is not None and found.st_uid != owner:
        raise Refused("belongs to somebody else: it is a hard link to their file")
    if most is not None and found.st_size > most:
        raise Refused(f"is too large ({readable(found.st_size)}; {readable(most)} are allowed)")


def _all(file: int, most: int) -> bytes:
    parts, left = [], most + 1
    while left > 0 and (part := os.read(file, min(left, 1 << 20))):
        parts.append(part)
        left -= len(part)
    if left <= 0:
        raise Refused(f"is too large (more than {readable(most)})")
    return b"".join(parts)


def readable(size: int) -> str:
    """A number of bytes as a person reads it."""
    for unit, name in ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "kB")):
        if size >= unit:
            return f"{size / unit:.3g} {name}"
    return f"{size} bytes"


def _why(error: OSError, is_link: bool = False) -> str:
    if isinstance(error, PermissionError):
        return "may not be read (its permissions forbid it)"
    if isinstance(error, FileNotFoundError):
        return "does not exist"
    if is_link:
        return "is a symbolic link"
    return "is no folder" if isinstance(error, NotADirectoryError) else f"cannot be read ({error.strerror})"
