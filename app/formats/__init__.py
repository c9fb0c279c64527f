"""Readers of image sources and writers of label files. Must never import the database, services or screens."""
