"""Everything that fixsmith depends on, checked one by one, each with what to do about it."""
