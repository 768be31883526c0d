"""``kantter demo``: the whole product on one machine, with the console as the chat and the sandbox as X.

Everything lives in a folder that is removed at the end. Nothing in the product but the command line imports this.
"""

import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from pydantic import SecretStr

from bridge import app, logs
from bridge.chat.console import ConsoleNetwork, typed
from bridge.config import BotSettings, XSettings
from bridge.sandbox import Sandbox
from bridge.vault import Vault, write_key_file

_WELCOME = """\
Kantter's demo: this terminal is the chat, and the X on {url} is a stand-in on this machine.
You are @{person}, in a private chat (DM) with the bot. Type these, one after the other:

  !link                      the bot sends an address: open it in your browser and approve,
                             or type  /approve acme  to approve as @acme without a browser
  1234567                    the PIN that you were given, as it stands
  /room                      go to the room
  !tweet Hello from the chat
  !undo                      deletes it again
  /picture cat !tweet Look   a picture with that caption

A team: !share @acme ben contributor, then /as ben and /dm and !accept; his !tweet in the room waits for ana's /react ✅
Your posts appear at {url}/ · /help shows the rest · /quit ends.
"""
_APPROVE = "/approve NAME     let the bot in at the stand-in as that account, and get the PIN, without a browser"


class _Screen:
    """Prints, and remembers the newest address to approve, so that ``/approve`` can stand in for a browser."""

    def __init__(self, sandbox: Sandbox, show: Callable[[str], None]) -> None:
        self._sandbox = sandbox
        self._show = show
        self._address = ""

    def show(self, text: str) -> None:
        """Print what the bot says."""
        for word in text.split():
            if word.startswith(f"{self._sandbox.url}/oauth/authorize"):
                self._address = word
        self._show(text)

    async def approve(self, handle: str) -> str:
        """Do what a person does in the browser; give the PIN as a line to read."""
        if not self._address:
            return "  ! there is nothing to approve yet; type !link in the DM first"
        if not re.fullmatch(r"@?\w{1,15}", handle, re.ASCII):
            return "  ! say as whom, for example: /approve acme"
        try:
            pin = self._sandbox.approve(self._address, handle.removeprefix("@"))
        except LookupError:
            return "  ! that address is used up; type !link in the DM again"
        return f"  X (stand-in): approved as @{handle.removeprefix('@')}. Your PIN is {pin}"


async def play(*, person: str, port: int, show: Callable[[str], None]) -> None:
    """Run the demo until the person ends it. ``show`` prints."""
    logs.set_up("error")
    async with await Sandbox.start(port=port) as sandbox:
        with tempfile.TemporaryDirectory(prefix="kantter-demo-") as name:
            folder = Path(name)
            write_key_file(folder / "key")
            screen = _Screen(sandbox, show)
            show(_WELCOME.format(url=sandbox.url, person=person))
            extras = {"approve": (_APPROVE, screen.approve)}
            console = ConsoleNetwork(typed(sys.stdin.readline), screen.show, person=person, extras=extras)
            x = XSettings(
                consumer_key=SecretStr(sandbox.consumer_key),
                consumer_secret=SecretStr(sandbox.consumer_secret),
                api_url=sandbox.url,
                web_url=sandbox.url,
            )
            await app.run_console(BotSettings(data_dir=folder / "data"), x, Vault.from_file(folder / "key"), console)
