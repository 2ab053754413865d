"""Prints the folder of NVRTC's libraries, installing its package into `.venv` first if need be. No GPU is needed."""

import subprocess
import sys
from pathlib import Path

from own_venv import ENVIRONMENT

PACKAGE = "nvidia-cuda-nvrtc==13.0.88"


def folder() -> Path | None:
    found = sorted(ENVIRONMENT.glob("lib/python*/site-packages/nvidia/cu13/lib/libnvrtc.so.13"))
    return found[0].parent if found else None


if folder() is None:
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", ENVIRONMENT], check=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-deps", PACKAGE], check=True, stdout=sys.stderr)
print(folder() or sys.exit(f"{PACKAGE} has no libnvrtc.so.13"))
