"""``python -m bridge`` is the same program as ``kantter``."""

from bridge.cli import main

if __name__ == "__main__":
    main()
