"""Re-execute a chapter when a module that it uses has changed.

jupyter-cache knows a notebook by its own text only. So each chapter's fingerprint (of the modules that it uses) is kept
in ``_build``; when it changes, the cached outputs are dropped and the page is marked as outdated.
"""

from __future__ import annotations

import json
from pathlib import Path

from jupyter_cache import get_cache
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

from .closure import fingerprint
from .environment import reference_mode

logger = logging.getLogger(__name__)


def setup(app: Sphinx) -> None:
    app.connect("env-get-outdated", drop_stale_outputs)
    app.connect("build-finished", remember)


def drop_stale_outputs(app: Sphinx, env: BuildEnvironment, added: set, changed: set, removed: set) -> list[str]:
    """Forget the outputs of chapters whose modules have changed; return these chapters' names."""
    before = json.loads(_store(app).read_text()) if _store(app).exists() else {}
    app.course_fingerprints = {
        name: fingerprint(Path(env.doc2path(name)), Path(app.srcdir), reference=reference_mode())
        for name in sorted(env.found_docs)
        if Path(env.doc2path(name)).suffix == ".md"
    }
    stale = [name for name, value in app.course_fingerprints.items() if before.get(name) != value]
    for name in stale:
        _forget(app, Path(env.doc2path(name)))
    if before and stale:
        logger.info("what they use has changed, executed anew: %s", ", ".join(stale))
    return stale


def remember(app: Sphinx, exception: Exception | None) -> None:
    """Keep the fingerprints, but only of a build that went through: after a failing one, what changed is tried again."""
    if exception is None and hasattr(app, "course_fingerprints"):
        _store(app).parent.mkdir(parents=True, exist_ok=True)
        _store(app).write_text(json.dumps(app.course_fingerprints, indent=1))


def _cache_folder(app: Sphinx) -> Path:
    return Path(app.env.mystnb_config.execution_cache_path or Path(app.outdir).parent / ".jupyter_cache")


def _store(app: Sphinx) -> Path:
    return _cache_folder(app) / "fingerprints.json"


def _forget(app: Sphinx, chapter: Path) -> None:
    """Drop the cached outputs of a chapter; by the end of its path, since the whole folder may have moved."""
    if not _cache_folder(app).is_dir():
        return
    cache = get_cache(str(_cache_folder(app)))
    for record in cache.list_cache_records():
        if Path(record.uri).parts[-2:] == chapter.parts[-2:]:
            cache.remove_cache(record.pk)
