"""Models, queries and the unit of work. Every SELECT of the project lives below this package."""
