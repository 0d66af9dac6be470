"""``-i host1,host2``: hosts named on the command line; ranges and ports are understood."""

from __future__ import annotations

from inventory.inventory import Inventory
from inventory.model import Layer, Place
from inventory.sources.grouping import names_of


def read_host_list(inventory: Inventory, text: str) -> None:
    """Put the comma-separated hosts into ``ungrouped``; raises InventoryError for what is no host name."""
    place = Place("<command line>")
    for entry in filter(None, (part.strip() for part in text.split(","))):
        names, port = names_of(entry, place)
        for name in names:
            host = inventory.put_host(name, "ungrouped", place)
            if port is not None:
                host.add_layer(Layer({"ansible_port": port}, place, trusted=False))
