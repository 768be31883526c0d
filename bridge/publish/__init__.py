"""The publishers. Each meets the house through ``interfaces.Publisher``."""
