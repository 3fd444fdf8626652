"""Console pages that look over several slices: a site's overview, and publishing with its effect on visitors."""
