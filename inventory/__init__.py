"""Hosts, groups and patterns. `load` reads sources, `Inventory` answers; nothing here connects anywhere."""

from inventory.errors import InventoryError
from inventory.inventory import Inventory
from inventory.loading import load
from inventory.model import Group, Host, Layer, Place
from inventory.patterns import ORDERS, Selection

__all__ = ["ORDERS", "Group", "Host", "Inventory", "InventoryError", "Layer", "Place", "Selection", "load"]
