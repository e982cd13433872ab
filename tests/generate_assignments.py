"""Write the releases of assembled assignments, as ``nbgrader generate_assignment`` does, in one process: ``python generate_assignments.py <chapter> ...``"""

from __future__ import annotations

import sys

from nbgrader.apps import NbGraderAPI
from traitlets.config.loader import PyFileConfigLoader

if __name__ == "__main__":
    api = NbGraderAPI(config=PyFileConfigLoader("nbgrader_config.py", path=".").load_config())
    for chapter in sys.argv[1:]:
        done = api.generate_assignment(chapter)
        if not done["success"]:
            raise SystemExit(f"{chapter}: {done}")
