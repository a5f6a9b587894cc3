"""tlswire reads TLS off the wire and explains it."""

__version__ = "0.1.0"
