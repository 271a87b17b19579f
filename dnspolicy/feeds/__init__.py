"""Data that policies see and that changes by itself: files, web pages, objects of the cluster."""
