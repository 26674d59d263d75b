"""A competition's data: downloaded, verified, extracted, prepared, whole or not at all."""
