"""The bot: what people say to it, and what it answers."""

from bridge.bot.bot import Bot

__all__ = ["Bot"]
