"""The YAML config: read with clear errors, written so that nothing of a person's is lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from redux_tui.config import NAME, find_config, load, secrets, update
from redux_tui.models import ReduxError, SandboxKind

PLEXE = """\
# Plexe's runner wrote this
repo_url: "https://example.org/mle-bench.git"   # a mirror
repo_dir: ./clone
datasets:
  - spaceship-titanic   # the small one
  - spooky-author-identification
provider: openai/gpt-4o
max_iterations: 5
timeout: 1200

my_own_key: {kept: yes}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / NAME
    path.write_text(PLEXE)
    return path


def test_a_file_written_for_the_older_runner_loads_as_it_is(config: Path) -> None:
    settings = load(config)
    assert settings.datasets == ("spaceship-titanic", "spooky-author-identification")
    assert (settings.provider, settings.max_iterations, settings.timeout) == (
        "openai/gpt-4o",
        5,
        1200,
    )
    assert settings.repo_dir == config.parent / "clone"
    assert settings.sandbox is SandboxKind.AUTO


def test_a_write_keeps_comments_order_and_unknown_keys(config: Path) -> None:
    update(config, {"timeout": 60, "state.last_group": "g1"})
    text = config.read_text()
    assert text.startswith(PLEXE.replace("timeout: 1200", "timeout: 60"))
    assert load(config).state == {"last_group": "g1"}


def test_a_write_of_none_takes_the_key_out(config: Path) -> None:
    update(config, {"state.a": 1})
    update(config, {"state.a": None, "datasets": None})
    assert "datasets" not in config.read_text()
    assert load(config).state == {}


def test_a_file_that_holds_only_comments_keeps_them(tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_text("# mine\n# all mine\n")
    update(path, {"jobs": 2})
    assert path.read_text() == "# mine\n# all mine\njobs: 2\n"


def test_writers_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / NAME
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: update(path, {f"state.key{n}": n}), range(24)))
    assert load(path).state == {f"key{n}": n for n in range(24)}


def test_broken_yaml_is_named_by_file_and_line_and_left_untouched(tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_text("jobs: 2\nseeds: [1, 2\ntimeout: 3\n")
    with pytest.raises(ReduxError, match=rf"{NAME}, line [23]"):
        load(path)
    with pytest.raises(ReduxError, match="left as it is"):
        update(path, {"jobs": 3})
    assert path.read_text() == "jobs: 2\nseeds: [1, 2\ntimeout: 3\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("jobs: many", "jobs is 'many'"),
        ("jobs: 0", "greater than 0"),
        ("timeout: -1", "timeout"),
        ("sandbox: podman", "'auto', 'docker' or 'process'"),
        ("docker: {base_image: [1]}", "docker.base_image"),
        ("- a\n- b", "key: value"),
        ("datasets: titanic", "datasets"),
    ],
)
def test_a_wrong_value_is_named_by_its_path_and_what_it_must_be(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / NAME
    path.write_text(text)
    with pytest.raises(ReduxError, match=message):
        load(path)


def test_the_current_folder_wins_over_the_users_and_a_named_file_over_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    own = tmp_path / "home" / "redux-tui" / NAME
    own.parent.mkdir(parents=True)
    own.write_text("")
    here = tmp_path / "here"
    here.mkdir()
    assert find_config(None, here) == own
    (here / NAME).write_text("")
    assert find_config(None, here) == here / NAME
    assert find_config(tmp_path / "named.yaml", here) == tmp_path / "named.yaml"


def test_relative_folders_are_relative_to_the_file(tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_text("work_dir: out\ncontent_dirs: [mine]\n")
    settings = load(path)
    assert settings.work_dir == tmp_path / "out"
    assert settings.content_dirs == (tmp_path / "mine",)


def test_secrets_come_from_dotenv_and_the_environment_wins(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (config.parent / ".env").write_text("A_KEY=from-file\nB_KEY=from-file\n")
    monkeypatch.setenv("B_KEY", "from-environment")
    found = secrets(load(config))
    assert (found["A_KEY"], found["B_KEY"]) == ("from-file", "from-environment")
