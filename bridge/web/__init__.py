"""The web part: is it alive, is it ready, how much is waiting."""
