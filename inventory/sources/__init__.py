"""Where hosts come from: one file per kind of source, each a function that fills an `Inventory`."""
