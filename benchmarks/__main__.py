"""``make bench``: runs each benchmark and prints one table. Name some of them to run only those."""

import importlib
import sys

from rich.console import Console
from rich.table import Table

NAMES = ("post_cpu", "throughput", "encrypted", "scale")


def main() -> None:
    """Run what is named on the command line, or all."""
    table = Table(title="Kantter beside its yardsticks (medians of rounds in one run; compare ratios, not runs)")
    for heading in ("what", "Kantter", "yardstick", "ratio"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    screen = Console()
    names = sys.argv[1:] or NAMES
    if unknown := set(names) - set(NAMES):
        sys.exit(f"There is no benchmark {sorted(unknown)[0]!r}. There are: {', '.join(NAMES)}")
    for name in names:
        with screen.status(f"{name} …"):
            rows = importlib.import_module(f"benchmarks.{name}").report()
        for row in rows:
            table.add_row(*row)
    screen.print(table)


if __name__ == "__main__":
    main()
