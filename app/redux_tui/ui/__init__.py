"""The dashboard: Textual screens over what the journal, the logs and the catalogue say."""
