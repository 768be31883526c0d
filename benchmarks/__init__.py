"""What Kantter costs, each figure side by side with its yardstick in one run."""
