#!/bin/sh
# The harness runs: sh "$AGENT_DIR/start.sh"
exec python3 -u "$AGENT_DIR/main.py"
