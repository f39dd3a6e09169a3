"""Whether work may go on now: power, heat, memory, display, disk, hours, network."""
