"""A package, so that the checkout comes first on sys.path, whatever else is installed."""
