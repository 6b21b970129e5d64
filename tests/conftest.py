"""What all tests share."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", tempfile.mkdtemp())  # not in the checkout
os.environ.setdefault("GOMP_SPINCOUNT", "10000")  # as the command line does

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from published import folder

ROOT = Path(__file__).resolve().parent.parent

settings.register_profile(
    "tests",
    database=None,  # the checkout may be read-only
    deadline=None,  # machines are shared
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("tests")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def nmnist() -> Path:
    """Real N-MNIST recordings."""
    return folder("nmnist_small")


@pytest.fixture
def lava_golden() -> Path:
    """Vectors that lava-dl and Lava computed."""
    return folder("lava_golden")


@pytest.fixture
def lava_netx() -> Path:
    """Published networks of lava-dl and what they must give."""
    return folder("lava_netx")


@pytest.fixture
def nir_files() -> Path:
    """Published NIR files and what they must give."""
    return folder("nir")
