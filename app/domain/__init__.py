"""The product's rules: pools, statuses, transitions, labels, splits. Pure: standard library and `app.errors` only."""
