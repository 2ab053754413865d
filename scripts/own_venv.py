"""A script's packages, in the virtual environment `.venv` of the repository, which all scripts share.

`require(numpy="numpy")` returns at once if the packages can be imported. Otherwise it makes the environment, installs
them, and starts the script again inside it. `own="blas"` is for a script that needs a package built in another way: it
gets an environment of its own, `.venv-blas`, and always runs in it.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"


def require(own: str = "", cmake: str = "", **packages: str) -> None:
    """Makes `import name` work for each `name="what pip installs"`; `cmake` is told to what is built from source."""
    environment = ROOT / f".venv-{own}" if own else ENVIRONMENT
    inside = Path(sys.prefix) == environment
    if (inside or not own) and all(importlib.util.find_spec(name) for name in packages):
        return
    if inside:
        sys.exit(f"{', '.join(packages)} are installed in {environment}, but can't be imported")
    python = environment / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    # llama-cpp-python is built from source; this tells it to use what the machine has.
    settings = {"CMAKE_ARGS": f"-DGGML_NATIVE=ON {cmake}", **os.environ}
    subprocess.run([python, "-m", "pip", "install", "--quiet", *packages.values()], check=True, env=settings)
    os.execv(python, [str(python), *sys.argv])
