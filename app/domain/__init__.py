"""The product's rules: pools, statuses, transitions, labels, splits. Pure; the standard library and `app.errors` only."""
