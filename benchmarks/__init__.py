"""What Kantter costs, each figure beside its yardstick in one run. Start it with ``make bench``."""
