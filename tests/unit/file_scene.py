"""A plain and a sealed file, and what is said of them: what the tests of files on Matrix share."""

from nio.crypto.attachments import encrypt_attachment

CONTENT = bytes(range(256)) * 700
STORED, KEYS = encrypt_attachment(CONTENT)
PLAIN = {"msgtype": "m.image", "body": "cat.png", "url": "mxc://example.org/cat", "info": {"mimetype": "image/png"}}
SEALED = {"msgtype": "m.image", "body": "cat.png", "file": {**KEYS, "url": "mxc://example.org/sealed"}}
