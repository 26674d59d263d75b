"""What can be run: competitions, splits and agents, in content folders and MLE-bench's clone."""

from redux_tui.catalog.catalog import Catalog
from redux_tui.catalog.splits import Split

__all__ = ["Catalog", "Split"]
