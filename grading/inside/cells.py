"""Run a notebook's cells, for a person who wants to see its figures."""

from __future__ import annotations

import time

MOST_TEXT = 20_000
MOST_BYTES = 6 << 20  # of all pictures together, in base64
PRELOADED = ("matplotlib.pyplot", "matplotlib_inline.backend_inline", "IPython.core.interactiveshell", "IPython.utils.capture")


def run(cells: list[str], seconds: float) -> list[list[dict]]:
    """The outputs of each cell: texts, PNG pictures and errors, as plain values. Cells that time does not allow for have none."""
    import matplotlib.pyplot as plt
    from IPython.core.interactiveshell import InteractiveShell
    from matplotlib_inline.backend_inline import configure_inline_support

    from ddpmlib.checks.run import TimeLimit, time_limit

    shell = InteractiveShell.instance(colors="NoColor")
    plt.switch_backend("module://matplotlib_inline.backend_inline")
    plt.ion()
    configure_inline_support(shell, "inline")
    deadline, room, found = time.monotonic() + seconds, MOST_BYTES, []
    for source in cells:
        outputs: list[dict] = []
        left = deadline - time.monotonic()
        if left > 0:
            try:
                with time_limit(left):
                    outputs = _outputs(shell, source)
            except TimeLimit:
                outputs = [{"error": "TimeLimit", "says": f"the notebook did not finish within {seconds:g} seconds"}]
        for output in outputs:
            room -= len(output.get("png", ""))
        found.append([output for output in outputs if room >= 0 or "png" not in output])
    return found


def _outputs(shell, source: str) -> list[dict]:
    from IPython.utils.capture import capture_output

    with capture_output() as captured:
        result = shell.run_cell(source, store_history=False)
    error = result.error_before_exec or result.error_in_exec
    if error is not None and not isinstance(error, Exception):
        raise error
    outputs: list[dict] = []
    if captured.stdout and error is None:
        outputs.append({"text": captured.stdout[:MOST_TEXT]})
    for shown in captured.outputs:
        if "image/png" in shown.data:
            outputs.append({"png": _base64(shown.data["image/png"])})
        elif "text/plain" in shown.data:
            outputs.append({"text": str(shown.data["text/plain"])[:MOST_TEXT] + "\n"})
    if error is not None:
        outputs.append({"error": type(error).__name__, "says": str(error)[:MOST_TEXT]})
    return outputs


def _base64(picture: bytes | str) -> str:
    import base64

    return base64.b64encode(picture).decode() if isinstance(picture, bytes) else "".join(str(picture).split())
