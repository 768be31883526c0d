"""Matrix as a ChatNetwork, on matrix-nio, end-to-end encrypted. Only ``MatrixNetwork`` is for others."""

from bridge.chat.matrix.network import MatrixNetwork

__all__ = ["MatrixNetwork"]
