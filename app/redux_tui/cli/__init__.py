"""The command line: thin commands over the same calls that the dashboard makes."""

from __future__ import annotations

import sys


def main() -> None:
    """The command `redux-tui`. What a person can act on ends as a sentence and an exit code."""
    import click

    from redux_tui.cli.commands import cli
    from redux_tui.models import ReduxError

    try:
        code = cli.main(prog_name="redux-tui", standalone_mode=False)
    except ReduxError as error:
        click.echo(f"Error: {error}", err=True)
        code = error.exit_code
    except click.ClickException as error:
        error.show()
        code = 2
    except (click.Abort, KeyboardInterrupt):
        code = 130
    except BrokenPipeError:  # `redux-tui list … | head`
        sys.stderr.close()
        code = 0
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        click.echo(f"Error: {where}{error.strerror or error}.", err=True)
        code = 2
    sys.exit(code or 0)
