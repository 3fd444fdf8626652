"""What the widget shows: configuration, tag, builds."""
