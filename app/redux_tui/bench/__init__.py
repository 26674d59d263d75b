"""Competition data: prepared whole or not at all."""
