"""The sections of the settings, by the room that reads them."""
