"""How a grader speaks to the kernel of a submission."""

from __future__ import annotations

import os
import shutil
import tempfile

from jupyter_client.manager import AsyncKernelManager


class SocketKernelManager(AsyncKernelManager):
    """Starts a kernel that is spoken to through sockets in a folder of its own.

    Jupyter's default, TCP, picks free ports and then starts the kernel: of two graders at work at the same time, one can take
    the other's ports in between, and a submission fails by chance. Windows has no such sockets and keeps the ports.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._folder = None
        if os.name == "posix":
            self._folder = tempfile.mkdtemp(prefix="kernel-")
            self.connection_file = f"{self._folder}/kernel.json"
            self.transport = "ipc"
            self.ip = f"{self._folder}/kernel"  # the sockets are kernel-1, kernel-2, ...

    def cleanup_resources(self, restart: bool = False) -> None:
        super().cleanup_resources(restart=restart)
        if self._folder and not restart:
            shutil.rmtree(self._folder, ignore_errors=True)
