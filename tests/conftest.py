"""What all tests share: a small world, the real Docker engine, a base image."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from redux_tui.models import InfrastructureError
from redux_tui.sandbox.engine import Engine, find_engine
from tests.support import docker_base as base_image
from tests.support.world import World, make_world


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A config, a toy competition and nothing else, in a folder of its own."""
    return make_world(tmp_path)


@pytest.fixture(scope="session")
def docker_engine() -> Engine:
    """The engine of this machine; without one the test is skipped, or fails if REDUX_REQUIRE_DOCKER
    is set, as it is where all tests have to run."""
    try:
        return find_engine()
    except InfrastructureError as error:
        if os.environ.get("REDUX_REQUIRE_DOCKER"):
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def docker_base(docker_engine: Engine) -> str:
    """The name of a base image with Python, made from this machine's own Debian packages."""
    return base_image.ensure()
