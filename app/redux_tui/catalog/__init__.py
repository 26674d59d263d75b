"""What can be run: competitions, splits and agents, found in content folders."""

from redux_tui.catalog.catalog import Catalog
from redux_tui.catalog.splits import Split

__all__ = ["Catalog", "Split"]
