"""The commands and their options; what they do is imported only when they do it."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from redux_tui import __version__

F = TypeVar("F", bound=Callable[..., Any])
_path = click.Path(path_type=Path)
_folder = click.Path(path_type=Path, file_okay=False)

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
_split = click.option("-s", "--split", help="A split: all competitions that it lists.")
_competition = click.option(
    "-c", "--competition", "competitions", multiple=True, metavar="ID", help="May be repeated."
)


def selection(command: F) -> F:
    """The options that select competitions."""
    return _split(_competition(command))


class _Seconds(click.FloatRange):
    """More than none, and not for ever."""

    name = "seconds"

    def __init__(self) -> None:
        super().__init__(0, min_open=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        seconds = super().convert(value, param, ctx)
        if not math.isfinite(seconds):
            self.fail(f"{value} is not a finite number of seconds.", param, ctx)
        return seconds


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--config", type=_path, help="The config file to use instead of the one found.")
@click.option("--rebuild", is_flag=True, help="Run the setup wizard again.")
@click.version_option(__version__, prog_name="redux-tui")
@click.pass_context
def cli(context: click.Context, config: Path | None, rebuild: bool) -> int | None:
    """Run, watch and grade machine-learning-engineering agents on MLE-bench.

    Without a command: the dashboard (on the first start, its setup wizard).

    Exit codes: 0 every result scored, 1 some not, 2 usage or configuration, 130 interrupted.
    """
    context.obj = config
    if context.invoked_subcommand is not None:
        _require_config(config)
        return None
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError(
            "The dashboard needs a terminal. Without one, use a command, such as"
            " `redux-tui run -s offline -a baseline` (see --help)."
        )
    from redux_tui.ui.app import run_dashboard

    return run_dashboard(config, rebuild)


@cli.command()
@click.option("-a", "--agent", help="The agent (see `list agents`). Default: the config's.")
@selection
@click.option("--seeds", type=click.IntRange(1), help="Runs of each competition: seeds 0 … N-1.")
@click.option("--jobs", type=click.IntRange(1), help="Attempts at a time.")
@click.option(
    "--timeout",
    type=_Seconds(),
    metavar="SECONDS",
    help="Time limit of one attempt.",
)
@click.option(
    "--sandbox",
    type=click.Choice(["auto", "docker", "process"]),
    help="Where agents execute. process is not isolated.",
)
@click.option(
    "--obfuscated",
    is_flag=True,
    help="MLE-bench's descriptions and instructions that do not name Kaggle.",
)
@as_json
@click.option("--adopt", type=_path, hidden=True, help="Be the supervisor of this run group.")
@click.option("--ask", is_flag=True, hidden=True, help="Read from stdin what is asked first.")
@click.pass_obj
def run(config: Path | None, /, adopt: Path | None, ask: bool, **options: Any) -> int:
    """Run an agent on competitions, grade what it submits, and print the results.

    The run belongs to a process of its own: closing this one stops nothing.
    """
    from redux_tui.cli.run import launch_and_follow, supervise_group

    if adopt is not None:
        return supervise_group(adopt, ask)
    return launch_and_follow(config, **options)


@cli.command()
@click.argument("group", required=False)
@as_json
@click.pass_obj
def rerun(config: Path | None, group: str | None, as_json: bool) -> int:
    """Run again what failed in GROUP (default: the newest run group)."""
    from redux_tui.cli.run import rerun_and_follow

    return rerun_and_follow(config, group, as_json)


@cli.command()
@click.argument("submission", required=False, type=_path)
@click.argument("competition", required=False, metavar="[ID]")
@click.option(
    "--submissions",
    type=_path,
    help='Many: a JSON object a line, {"submission_path": …, "competition_id": …}.',
)
@click.option("--output-dir", type=_folder, help="Where the report of many goes.")
@as_json
@click.pass_obj
def grade(config: Path | None, /, **options: Any) -> int:
    """Grade the file SUBMISSION for the competition ID, or many files."""
    from redux_tui.cli.grade import grade_files

    return grade_files(config, **options)


@cli.command("list")
@click.argument("what", type=click.Choice(["competitions", "agents", "splits", "groups"]))
@click.option("-s", "--split", help="Only the competitions of this split.")
@as_json
@click.pass_obj
def list_(config: Path | None, /, **options: Any) -> int:
    """List what there is to run, and what was run."""
    from redux_tui.cli.listing import list_things

    return list_things(config, **options)


@cli.command()
@click.option("--ref", help="The tag, branch or commit to use, kept in the config as repo_ref.")
@click.option("--rebuild", is_flag=True, help="Clone anew; the old clone serves until it is done.")
@as_json
@click.pass_obj
def clone(config: Path | None, /, **options: Any) -> int:
    """Clone MLE-bench, and make the Python environment that its code needs."""
    from redux_tui.cli.clone import clone_command

    return clone_command(config, **options)


@cli.command()
@selection
@click.option("--force", is_flag=True, help="Prepare again what is prepared already.")
@click.option("--skip-verification", is_flag=True, help="Do not compare MLE-bench's checksums.")
@click.option("--keep-raw", is_flag=True, help="Keep the extracted files once they are prepared.")
@as_json
@click.pass_obj
def prepare(config: Path | None, /, **options: Any) -> int:
    """Download and prepare the data of competitions (a run does so by itself)."""
    from redux_tui.cli.prepare import prepare_competitions

    return prepare_competitions(config, **options)


@cli.command()
@click.argument("agent")
@as_json
@click.pass_obj
def build(config: Path | None, agent: str, as_json: bool) -> int:
    """Build the image of AGENT (a run does so by itself)."""
    from redux_tui.cli.build import build_agent

    return build_agent(config, agent, as_json)


@cli.command()
@as_json
@click.pass_obj
def doctor(config: Path | None, as_json: bool) -> int:
    """Say what works here, what does not, and the command that fixes it."""
    from redux_tui.cli.doctor import print_checks

    return print_checks(config, as_json)


def _require_config(config: Path | None) -> None:
    """Only the wizard makes a config: a command that is given a name means a file that is there."""
    if config is None or config.exists():
        return
    import difflib

    others = [each.name for each in config.absolute().parent.glob("*.y*ml")]
    near = difflib.get_close_matches(config.name, others, n=1)
    hint = f" Did you mean {config.with_name(near[0])}?" if near else ""
    raise click.UsageError(f"There is no config file {config}.{hint}")
