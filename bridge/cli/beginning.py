"""``kantter init``: the questions on a terminal, and what came of them."""

import asyncio
import os
import sys
from getpass import getpass
from pathlib import Path
from typing import Annotated

import typer

from bridge import config, logs
from bridge.cli.screen import errors, plain_errors, say


class _Terminal:
    """A Desk of a person at a terminal."""

    def say(self, text: str) -> None:
        say(text)

    def ask(self, question: str, default: str = "") -> str:
        answer: str = typer.prompt(f"  {question}", default=default, show_default=bool(default))
        return answer

    def secret(self, question: str) -> str:
        while True:  # the prompt of typer comes before the echo is off: what was typed ahead would be shown
            if answer := getpass(f"  {question}: ").strip():
                return answer

    def yes(self, question: str, *, default: bool) -> bool:
        return typer.confirm(f"  {question}", default=default)


def init(
    config_file: Annotated[
        Path | None, typer.Option("--config", "-c", help="Where to write the config. It is asked for when not given.")
    ] = None,
    x_url: Annotated[str, typer.Option(help="The address of a stand-in for X, such as the sandbox.")] = "",
) -> None:
    """Ask a few questions, try each answer, and write the config, the secrets and the key. It needs a terminal.

    Nothing is written before the last answer, and nothing that is there is overwritten without your word.
    """
    from bridge import doctor, initial

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        errors.print("kantter: init asks questions, so it needs a terminal; without one, copy the example config")
        raise typer.Exit(2)
    logs.set_up("error")
    os.umask(0o077)
    try:
        with plain_errors():
            answers = initial.interview(_Terminal(), config_file, x_url)
            for path in initial.write(answers):
                say(f"wrote {path}")
    except (KeyboardInterrupt, EOFError, typer.Abort):
        say("\nstopped: nothing was written")
        raise typer.Exit(130) from None
    say(f"keep a copy of {answers.key_file} apart from the data: without it no token opens")
    findings = asyncio.run(doctor.examine(answers.config))
    for finding in findings:
        if not finding.ok:
            say(f"{'FAIL' if finding.ok is False else 'warn'} {finding.what}: {finding.said}")
    found = answers.config in (place.resolve() for place in config.DEFAULT_PATHS)
    where = "" if found else f" --config {answers.config}"
    if any(finding.ok is False for finding in findings):
        say(f"mend that, then: kantter doctor{where}")
        raise typer.Exit(1)
    say(f"next: kantter run{where}")
