"""What all tests share: the real Docker engine, and a base image made without a registry."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

SUPPORT = Path(__file__).parent / "support"
sys.path.insert(0, str(SUPPORT.parent))

from support.world import World, make_world  # noqa: E402

if TYPE_CHECKING:
    from redux_tui.sandbox.engine import Engine


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A config, a toy competition and nothing else, in a folder of its own."""
    return make_world(tmp_path)


@pytest.fixture(scope="session")
def docker_engine() -> Engine:
    """The engine of this machine; without one the test is skipped, or fails if REDUX_REQUIRE_DOCKER
    is set, as it is where all tests have to run."""
    from redux_tui.models import InfrastructureError
    from redux_tui.sandbox.engine import find_engine

    try:
        return find_engine()
    except InfrastructureError as error:
        if os.environ.get("REDUX_REQUIRE_DOCKER"):
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def docker_base(docker_engine: Engine) -> str:
    """The name of a base image with Python, made from this machine's own Debian packages."""
    sys.path.insert(0, str(SUPPORT))
    try:
        import docker_base
    finally:
        sys.path.remove(str(SUPPORT))
    return docker_base.ensure()
