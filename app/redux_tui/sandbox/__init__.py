"""Where attempts execute: one small protocol, implemented by docker.py and process.py."""
