"""What all commands share: the terminal, the option that names the config, and errors in plain words."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from bridge.errors import ConfigError, StoreError

screen = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="The config file. Default: ./kantter.toml, then /etc/kantter/kantter.toml"),
]


def say(text: str) -> None:
    """A line on the screen, as it is."""
    screen.print(text, markup=False)


def _refuse(error: ConfigError | StoreError) -> NoReturn:
    problems = error.problems if isinstance(error, ConfigError) else (str(error),)
    for problem in problems:
        errors.print(f"kantter: {problem}", markup=False)
    raise typer.Exit(2)


@contextmanager
def plain_errors() -> Iterator[None]:
    """One clear line a mistake and exit code 2, never a traceback, for what the operator can mend."""
    try:
        yield
    except (ConfigError, StoreError) as error:
        _refuse(error)


@contextmanager
def bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on a terminal, nothing when piped. It is told how much is done, of how much."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as progress:
        task = progress.add_task(what, total=None, visible=False)
        yield lambda done, total: progress.update(task, completed=done, total=total, visible=True)
