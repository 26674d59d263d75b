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
        ("timeout: .inf", "timeout is inf, .* finite number"),
        ("timeout: .nan", "timeout"),
        ("timeout: true", "timeout is True, .* number"),
        ("jobs: true", "jobs is True"),
        ("retry_after: [-1]", "retry_after.0 is -1"),
        ("limits: {cpus: .inf}", "limits.cpus"),
        ("work_dir: ~nouser/x", "work_dir is '~nouser/x', .* home folder"),
        ("content_dirs: [~nouser/x]", "content_dirs.0"),
        ('data_dir: "a\\0b"', "data_dir is .* NUL"),
        ("agents: {best: {kwargs: [1]}}", r"agents.best.kwargs is \[1\]"),
        ("agents: {best: fast}", "agents.best is 'fast'"),
        ("born: 2024-99-99", "not a YAML text file"),
        ("jobs: 1\nseeds: 2\njobs: 3", f"{NAME}, line 3, column 1: .*'jobs' is there twice"),
        ("docker: {host: a, host: b}", "line 1, column 19: .*'host'"),
    ],
)
def test_a_wrong_value_is_named_by_its_path_and_what_it_must_be(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / NAME
    path.write_text(text)
    with pytest.raises(ReduxError, match=message):
        load(path)


def test_nothing_said_of_an_agent_is_nothing_set(tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_text("agents:\n  best: {kwargs: null}\n  other:\n")
    assert load(path).agents == {"best": {"kwargs": {}}, "other": {}}


def test_merged_keys_may_be_set_again(tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_text(
        "agents:\n  a: {kwargs: &all {steps: 1, x: 1}}\n  b: {kwargs: {<<: *all, x: 2}}\n"
    )
    assert load(path).agents["b"]["kwargs"] == {"steps": 1, "x": 2}
    update(path, {"jobs": 2})
    assert load(path).agents["b"]["kwargs"] == {"steps": 1, "x": 2}


@pytest.mark.parametrize("text", ["# only a comment", "jobs: 1 # the last", "jobs: 1\n\n# the end"])
def test_a_comment_at_the_end_swallows_nothing_that_is_written_after_it(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / NAME
    path.write_text(text)
    update(path, {"state.last_group": "g1"})
    assert text in path.read_text()
    assert load(path).state == {"last_group": "g1"}


@pytest.mark.parametrize(
    "content", [b"jobs: 1\njobs: 2\n", "jobs: 1\n".encode("utf-16"), b"name: \xff\n"]
)
def test_what_cannot_be_kept_whole_is_refused_and_left_alone(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / NAME
    path.write_bytes(content)
    for attempt in (lambda: load(path), lambda: update(path, {"seeds": 2})):
        with pytest.raises(ReduxError, match=NAME):
            attempt()
    assert path.read_bytes() == content


def test_a_linked_config_stays_a_link(tmp_path: Path) -> None:
    target = tmp_path / "dotfiles" / NAME
    target.parent.mkdir()
    target.write_text("jobs: 1\n")
    path = tmp_path / NAME
    path.symlink_to(target)
    update(path, {"jobs": 2})
    assert path.is_symlink()
    assert target.read_text() == "jobs: 2\n"


def test_a_write_keeps_who_may_read_the_file(config: Path) -> None:
    config.chmod(0o600)
    update(config, {"jobs": 2})
    assert config.stat().st_mode & 0o777 == 0o600


def test_a_write_keeps_newlines_and_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_bytes(b"\xef\xbb\xbf# mine\r\njobs: 1\r\n")
    update(path, {"jobs": 2, "seeds": 3})
    assert path.read_bytes() == b"\xef\xbb\xbf# mine\r\njobs: 2\r\nseeds: 3\r\n"
    assert load(path).jobs == 2


def test_without_a_config_a_named_folder_stands_in_for_the_current_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("A_KEY=from-file\n")
    (tmp_path / "mle-bench").mkdir()
    monkeypatch.chdir(tmp_path)
    here = load(None)
    monkeypatch.chdir("/")
    elsewhere = load(None, here.base)
    assert elsewhere == here
    assert elsewhere.base == tmp_path
    assert elsewhere.repo_dir == tmp_path / "mle-bench"
    assert secrets(elsewhere)["A_KEY"] == "from-file"


def test_the_folder_of_a_config_wins_over_a_named_one(config: Path) -> None:
    assert load(config, Path("/nowhere")).base == config.parent


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


def test_what_is_not_set_is_found_from_any_folder_but_a_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    here = tmp_path / "here"
    (here / "app" / "redux_tui").mkdir(parents=True)
    in_checkout, elsewhere = load(None, here), load(None, tmp_path)
    assert (in_checkout.work_dir, in_checkout.repo_dir) == (here / "workdir", here / "mle-bench")
    users = tmp_path / "data" / "redux-tui"
    assert (elsewhere.work_dir, elsewhere.repo_dir) == (users, users / "mle-bench")
    (tmp_path / "mle-bench").mkdir()  # a person's own
    assert load(None, tmp_path).repo_dir == tmp_path / "mle-bench"


def test_secrets_come_from_dotenv_and_the_environment_wins(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (config.parent / ".env").write_text("A_KEY=from-file\nB_KEY=from-file\n")
    monkeypatch.setenv("B_KEY", "from-environment")
    found = secrets(load(config))
    assert (found["A_KEY"], found["B_KEY"]) == ("from-file", "from-environment")
