"""The demo: an invented bookshop, "Lantern Books", on an origin of its own, with the real tag on its pages."""
