"""The chat networks. Each keeps its library to itself and meets the house through ``interfaces.ChatNetwork``."""
