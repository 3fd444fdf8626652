"""The front: an event loop that answers tags and decisions itself and has threads for the framework."""
