"""Maps the folders processes/, trainers/ and netx/ to sub-packages of bidl_sim.

The links inside bidl_sim/ serve type checkers and runs from a checkout; builds do without them.
"""

import os
import tempfile

from setuptools import find_packages, setup

FOLDERS = ("processes", "trainers", "netx")
own = find_packages(include=["bidl_sim*"], exclude=[f"bidl_sim.{f}*" for f in FOLDERS])
mapped = [f"bidl_sim.{p}" for f in FOLDERS for p in (f, *(f"{f}.{s}" for s in find_packages(f)))]
options = {}
if not os.access(".", os.W_OK):  # a read-only checkout: leave build files elsewhere
    scratch = tempfile.mkdtemp()
    options = {"egg_info": {"egg_base": scratch}, "build": {"build_base": scratch}}
setup(
    packages=own + mapped,
    package_dir={f"bidl_sim.{f}": f for f in FOLDERS},
    options=options,
)
