"""The evaluation as one self-contained page: inline SVG, light and dark, printable, no network, no script."""
