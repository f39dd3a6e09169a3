"""The commands of `fixsmith`, one module each, imported only when it is asked for."""
