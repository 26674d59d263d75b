"""Logs of any size: read by line, made safe for a terminal, searched. Nothing here draws."""
