"""What the product does, as verbs over an open unit of work; the page, route or task that opened it commits."""
