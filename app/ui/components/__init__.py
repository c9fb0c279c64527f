"""What pages are made of: each component owns its session keys and knows nothing of the page it is on."""
