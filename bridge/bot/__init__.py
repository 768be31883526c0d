"""The bot: what people say to it, and what it answers."""
