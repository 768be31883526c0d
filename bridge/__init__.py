"""Kantter: post to X from the chat you already live in."""
